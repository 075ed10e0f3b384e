-- The code of each label in its source, such as a skos:notation; empty where there is none.
ALTER TABLE labels ADD COLUMN notation VARCHAR DEFAULT '';

-- RDF that labels came from: the file's bytes, and what was read in it of each concept as JSON, both compressed.
-- It counts while the event that brought the labels is not undone.
CREATE TABLE rdf_sources (
    event BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    content BLOB NOT NULL,
    reading BLOB NOT NULL
);
