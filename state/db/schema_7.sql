-- What templates were rendered with: variables as JSON, a few decisions of each template.
CREATE TABLE template_samples (
    template VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    variables VARCHAR NOT NULL,
    kept TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    PRIMARY KEY (template, key)
);

-- A short hash of the blocks that a decision's model was shown; NULL or empty where it read none.
ALTER TABLE decisions ADD COLUMN rendered VARCHAR;

-- The files behind a template's hash: its own, and all that it extends or includes.
CREATE TABLE template_files (hash VARCHAR NOT NULL, file VARCHAR NOT NULL, text VARCHAR NOT NULL, PRIMARY KEY (hash, file));

-- Two versions of a template on the same items; `report` is JSON.
CREATE TABLE prompt_trials (
    template VARCHAR NOT NULL,
    before_hash VARCHAR NOT NULL,
    after_hash VARCHAR NOT NULL,
    report VARCHAR NOT NULL,
    made TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);

-- Labels that items are known to have, from files that were evaluated; `unit` names the item with its text.
CREATE TABLE gold (item VARCHAR NOT NULL, unit VARCHAR NOT NULL, label VARCHAR NOT NULL);

-- Calls that changed the index in a conversation, so that none is carried out twice; `outcome` is JSON.
CREATE TABLE applied_calls (call VARCHAR PRIMARY KEY, outcome VARCHAR NOT NULL);

-- Files of labelled texts that were written beside their sources; `digest` tells whether they were edited since.
CREATE TABLE written_files (path VARCHAR PRIMARY KEY, digest VARCHAR NOT NULL);
