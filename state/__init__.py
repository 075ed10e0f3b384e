"""What is remembered: the DuckDB index, items, decisions, cache, runs; and the graphs' typed state."""
