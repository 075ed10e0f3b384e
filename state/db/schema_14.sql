-- What language models were sent and what they replied. `messages`, `tools` and `replies` are hashes of parts, in order and
-- with commas between them; a part is JSON, compressed by zlib, and stored once. NULL in decisions from before, of models that
-- read no prompts, and where no texts are kept.
ALTER TABLE decisions ADD COLUMN exchange VARCHAR;
CREATE TABLE exchanges (
    id VARCHAR PRIMARY KEY,
    messages VARCHAR NOT NULL,
    tools VARCHAR NOT NULL,
    replies VARCHAR NOT NULL
);
CREATE TABLE exchange_parts (
    hash VARCHAR PRIMARY KEY,
    text BLOB NOT NULL
);
