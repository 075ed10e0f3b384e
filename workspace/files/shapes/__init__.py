"""How a file is laid out: its dialect, its header, the hierarchy in its rows, cells, lines or codes."""
