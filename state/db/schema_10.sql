-- Other names of each label, as a JSON list; an empty list is the empty string.
ALTER TABLE labels ADD COLUMN alternatives VARCHAR DEFAULT '';
