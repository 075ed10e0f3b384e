-- The text behind each template hash that a decision names.
CREATE TABLE templates (hash VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, text VARCHAR NOT NULL, kept TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'));
