"""What a person types: one command group per file, nothing heavy imported before a command runs."""
