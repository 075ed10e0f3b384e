-- Events that belong together: `change` is the id of the first of them. NULL, in older files: an event of its own.
ALTER TABLE events ADD COLUMN change BIGINT;
ALTER TABLE events ADD COLUMN note VARCHAR;
