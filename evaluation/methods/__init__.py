"""The methods of `taxonaut evaluate`, one family a file; `registry` knows them by name."""
