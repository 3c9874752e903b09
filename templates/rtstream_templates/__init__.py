"""The projects that `rtstream new` starts from, one folder each."""
