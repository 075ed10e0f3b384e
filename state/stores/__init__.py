"""What a workspace keeps beside the index, one table family per file."""
