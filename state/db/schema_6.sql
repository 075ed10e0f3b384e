-- What was written about labels, and from what. A row counts while its definition is the label's description, the
-- latest of equal ones. `fingerprint` is of all that was shown and asked; `items` are the products shown, JSON text.
CREATE TABLE definitions (
    label VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    definition VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    items VARCHAR NOT NULL,
    template VARCHAR NOT NULL,
    template_hash VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    run BIGINT NOT NULL,
    made TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
