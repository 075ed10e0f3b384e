"""What every command shares: session, options, input, output, exit codes."""
