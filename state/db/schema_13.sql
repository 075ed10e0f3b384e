-- Which labels items have, as somebody said; rows are never changed. A statement is what one source said about one text at
-- once, `unit` names the item with its text. `complete`: the labels said to be right are all that the item has. The empty
-- label stands for the whole item: `wrong` for one that no label fits, `withdrawn` for one about which all is taken back.
CREATE TABLE truths (
    statement BIGINT NOT NULL,
    item VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    complete BOOLEAN NOT NULL,
    source VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    weight DOUBLE NOT NULL,
    made TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
INSERT INTO truths (statement, item, unit, label, verdict, complete, source, person, weight)
SELECT dense_rank() OVER (ORDER BY first, unit), item, unit, label, 'right', true, 'gold file', '', 1
FROM (SELECT *, rowid AS row, min(rowid) OVER (PARTITION BY item, unit) AS first FROM gold) ORDER BY row;
INSERT INTO counters SELECT 'statement', coalesce(max(statement), 0) + 1 FROM truths;
DROP TABLE gold;

-- What the walks of a run made of these labels, and of the nodes on the paths to them: hit, error or miss (XMC-Agent, 2.3).
-- A row has a label or a node. `place` is a label's place in the answer, from 1, `opened` whether the walk opened a node.
CREATE TABLE marks (
    run BIGINT NOT NULL,
    item VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    label VARCHAR,
    node BIGINT,
    mark VARCHAR NOT NULL,
    place INTEGER,
    opened BOOLEAN,
    index_version BIGINT NOT NULL,
    models VARCHAR NOT NULL
);
