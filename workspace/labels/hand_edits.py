"""Find what a user changed by hand since labels came from a file, so that a new version does not undo it unsaid."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

from taxonaut.state.ids import EventId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Event
from taxonaut.workspace.labels.label_sets import Entry, Key, LabelSet, set_from_index

UPDATE_NOTE = "labels update "
"""How the note of a change begins that an update made."""

_FROM_FILES = frozenset({"add_labels", "load_tree"})
_OTHER_WORK = (UPDATE_NOTE, "index build", "expert define", "define ")

_MOST_RUNS = 20
"""Changes by hand and from files in turn that are looked at; each takes a reading of the whole tree."""


@dataclass(frozen=True)
class HandEdits:
    """The fields of each entry that were changed by hand, and their values before.

    Fields are `name`, `description`, `alternatives`, and `place`: the keys of what the entry is below.
    """

    fields: Mapping[Key, frozenset[str]] = field(default_factory=dict)
    base: Mapping[tuple[Key, str], object] = field(default_factory=dict)

    def undone_in(self, present: LabelSet) -> LabelSet:
        """Return a set with the names and places from before the edits, as a file knows them."""
        if not self.fields:
            return present
        entries = {}
        for key, entry in present.entries.items():
            name = self.base.get((key, "name"), entry.name)
            above = self.base.get((key, "place"))
            parents = entry.parents
            if isinstance(above, frozenset) and all(each == () or each in present.entries for each in above):
                parents = tuple(above)
            entries[key] = replace(entry, name=str(name), parents=parents)
        return replace(present, entries=entries)


def find_hand_edits(index: Index) -> HandEdits:
    """Return what was changed by hand and not by an import, an addition, a build or an update since."""
    events = index.events.list()
    active = [event for event in events if event.undone_by is None and event.operation != "undo"]
    from_files = {
        event.change
        for event in active
        if event.operation in _FROM_FILES or event.note.startswith(_OTHER_WORK)
    }
    if all(event.change in from_files for event in active):
        return HandEdits()
    runs = [
        (by_file, list(part))
        for by_file, part in groupby(active, key=lambda event: event.change in from_files)
    ]
    known: dict[EventId, EventId] = dict(
        zip((event.id for event in events), (EventId(0), *(event.id for event in events)), strict=False)
    )
    edits: dict[tuple[Key, str], object] = {}
    for by_file, part in runs[-_MOST_RUNS:]:
        if by_file and not edits:
            continue
        for key, name, former in _differences(index, known[part[0].id], part):
            if by_file:
                edits.pop((key, name), None)
            else:
                edits.setdefault((key, name), former)
    fields: defaultdict[Key, set[str]] = defaultdict(set)
    for key, name in edits:
        fields[key].add(name)
    return HandEdits({key: frozenset(names) for key, names in fields.items()}, edits)


def _differences(index: Index, before: EventId, part: list[Event]) -> Iterator[tuple[Key, str, object]]:
    """Yield what a run of events changed: key, field, former value."""
    former = set_from_index(index.snapshot(before), "")
    present = set_from_index(index.snapshot(part[-1].id), "")
    for key, entry in present.entries.items():
        there = former.entries.get(key)
        if there is None:
            continue
        now = _values(entry)
        for name, value in _values(there).items():
            if now[name] != value:
                yield key, name, value


def _values(entry: Entry) -> Mapping[str, object]:
    return {
        "name": entry.name,
        "description": entry.description,
        "alternatives": entry.alternatives,
        "place": frozenset(entry.parents),
    }
