"""Who decides, one role per file: an agent asks its model and uses tools, never DuckDB or LiteLLM."""
