-- What each cached reply answers: model, tool, a hash of the prompt (that of its decisions). NULL in older files.
ALTER TABLE answers ADD COLUMN model VARCHAR;
ALTER TABLE answers ADD COLUMN tool VARCHAR;
ALTER TABLE answers ADD COLUMN rendered VARCHAR;
ALTER TABLE answers ADD COLUMN made TIMESTAMP;
ALTER TABLE answers ALTER COLUMN made SET DEFAULT (now() AT TIME ZONE 'UTC');
