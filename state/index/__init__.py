"""The label index and its event log: reads, changes, undo, diffs, snapshots."""
