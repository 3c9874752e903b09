"""What `rtstream doctor` looks at, one module for each group of looks."""
