"""Who decides: one role per file. An agent asks its model and uses tools; it touches neither DuckDB nor LiteLLM."""
