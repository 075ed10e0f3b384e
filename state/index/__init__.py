"""The label index and its event log: reading, changing, undo, diff, snapshots."""
