-- Small facts about the workspace.
CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

-- The next id or position to give out; none is given twice.
CREATE TABLE counters (name VARCHAR PRIMARY KEY, next BIGINT NOT NULL);
INSERT INTO counters VALUES ('label', 1), ('node', 2), ('position', 1), ('tree', 1), ('event', 1), ('run', 1);

-- The person's labels. `number` is the import order and stands for the label inside this file.
CREATE TABLE labels (
    number BIGINT PRIMARY KEY,
    id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR NOT NULL,
    batch VARCHAR NOT NULL
);

-- Each tree that was loaded. `previous` is the one that stood before it, kept so that it can come back.
CREATE TABLE trees (
    id BIGINT PRIMARY KEY,
    previous BIGINT,
    method VARCHAR NOT NULL,
    settings VARCHAR NOT NULL,
    created TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
INSERT INTO trees (id, previous, method, settings) VALUES (0, NULL, 'empty', '{}');
CREATE TABLE current_tree (id BIGINT NOT NULL);
INSERT INTO current_tree VALUES (0);

-- Nodes of all trees. Node 1 is the root of every tree. Lists are JSON text, empty lists the empty string.
CREATE TABLE nodes (
    id BIGINT PRIMARY KEY,
    tree BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR NOT NULL,
    includes VARCHAR NOT NULL,
    excludes VARCHAR NOT NULL,
    label BIGINT,
    examples VARCHAR NOT NULL
);
INSERT INTO nodes VALUES (1, 0, 'root', '', '', '', NULL, '');

CREATE TABLE edges (tree BIGINT NOT NULL, parent BIGINT NOT NULL, child BIGINT NOT NULL, position BIGINT NOT NULL);
CREATE TABLE placements (tree BIGINT NOT NULL, node BIGINT NOT NULL, label BIGINT NOT NULL, position BIGINT NOT NULL);

-- Each change to the index beside the change that takes it back. `tree` is the tree it acted on, if any.
CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    made TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    operation VARCHAR NOT NULL,
    tree BIGINT,
    payload VARCHAR NOT NULL,
    inverse VARCHAR NOT NULL,
    undone_by BIGINT
);

CREATE TABLE items (id VARCHAR PRIMARY KEY, text VARCHAR NOT NULL);

-- Vectors lie in one table per dimension, made when the first vector of that dimension comes.
CREATE TABLE embedders (model VARCHAR PRIMARY KEY, dimension INTEGER NOT NULL);

CREATE TABLE answers (key VARCHAR PRIMARY KEY, answer VARCHAR NOT NULL);

CREATE TABLE runs (
    id BIGINT PRIMARY KEY,
    kind VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    settings VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    started TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    ended TIMESTAMP
);
CREATE TABLE units (run BIGINT NOT NULL, key VARCHAR NOT NULL, result VARCHAR NOT NULL, PRIMARY KEY (run, key));

-- One model request and its tool call. Lists are JSON text, empty lists the empty string.
CREATE TABLE decisions (
    run BIGINT NOT NULL,
    item VARCHAR NOT NULL,
    node BIGINT,
    agent VARCHAR NOT NULL,
    template VARCHAR NOT NULL,
    template_hash VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    tool VARCHAR NOT NULL,
    options VARCHAR NOT NULL,
    choice VARCHAR NOT NULL,
    scores VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    reused_tokens BIGINT NOT NULL,
    latency_s DOUBLE NOT NULL,
    attempts INTEGER NOT NULL,
    cached BOOLEAN NOT NULL,
    error VARCHAR NOT NULL,
    made TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
