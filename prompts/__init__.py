"""What an agent is told: `<agent>/<task>.j2`, and the loader."""
