"""Tools whose arguments a model writes: categories, changes, definitions, keywords."""
