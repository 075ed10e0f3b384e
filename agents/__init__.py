"""Decision agents, one role per file. An agent calls its model and tools, never DuckDB or LiteLLM."""
