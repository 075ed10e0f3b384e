"""Everything that is stored: the DuckDB index, items, decisions, cache, runs; and the typed state of graphs."""
