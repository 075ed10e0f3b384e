"""The DuckDB connection: opening and locking, id counters, migrations, JSON columns."""
