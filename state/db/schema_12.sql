-- Where the ids of labels went that are not answered any more. A label whose id is here is retired. `new` is a JSON list,
-- the empty string for none; `former` is where a retired label stood, JSON for its return.
CREATE TABLE label_mappings (
    old VARCHAR NOT NULL,
    new VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    made VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    former VARCHAR NOT NULL
);
