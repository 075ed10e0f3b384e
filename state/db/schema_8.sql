-- Runs are ordered by when they were last at work, counted without a clock, which may be set back.
ALTER TABLE runs ADD COLUMN activity BIGINT;
UPDATE runs SET activity = (
    SELECT count(*) FROM runs AS other
    WHERE coalesce(other.ended, other.started) < coalesce(runs.ended, runs.started)
        OR (coalesce(other.ended, other.started) = coalesce(runs.ended, runs.started) AND other.id <= runs.id)
);
INSERT INTO counters SELECT 'activity', count(*) + 1 FROM runs;
