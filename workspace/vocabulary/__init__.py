"""Building a vocabulary from items, assigning, reporting and exporting it."""
