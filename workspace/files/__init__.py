"""Reading and writing the files people have: labels, items, results, indexes."""
