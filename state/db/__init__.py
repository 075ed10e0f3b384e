"""The DuckDB database: connection and locking, id counters, migrations, JSON columns."""
