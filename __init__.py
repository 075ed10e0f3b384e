"""Label texts by walking a large, growing label tree with agents."""
