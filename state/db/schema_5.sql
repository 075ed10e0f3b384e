-- What each item got from the vocabulary that a tree is; a newer row replaces an older one. Lists are JSON text.
CREATE TABLE tags (tree BIGINT NOT NULL, item VARCHAR NOT NULL, run BIGINT NOT NULL, path VARCHAR NOT NULL, others VARCHAR NOT NULL);
