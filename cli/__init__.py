"""The command line: one folder per command group; what takes long to import is imported when a command runs."""
