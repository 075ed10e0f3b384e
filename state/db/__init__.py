"""The DuckDB connection: opening and locking, migrations, JSON columns, id counters."""
