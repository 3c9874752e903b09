"""What is said on a line: text and bytes to frames and back, without a socket."""
