-- What each walk opened and left closed; the latest of an item in a run counts.
CREATE TABLE trails (run BIGINT NOT NULL, item VARCHAR NOT NULL, opened VARCHAR NOT NULL, dropped VARCHAR NOT NULL, anchors VARCHAR NOT NULL, retrieved VARCHAR NOT NULL);
