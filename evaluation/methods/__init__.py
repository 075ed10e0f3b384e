"""The methods of `taxonaut evaluate`, a family per file; `registry` lists them by name."""
