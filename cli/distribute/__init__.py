"""`taxonaut distribute`: how likely annotators are to give each label."""
