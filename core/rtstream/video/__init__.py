"""Pictures on the line, without I/O: put together from packets, and how big and how often they are sent."""
