"""Compare a label set with a new version: what is new, gone, renamed, moved, merged, split, has another id."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from taxonaut.state.ids import LabelId
from taxonaut.tools.write.propose_category import fold_name
from taxonaut.workspace.labels.hand_edits import HandEdits
from taxonaut.workspace.labels.label_sets import TOP, Entry, Key, LabelSet

Kind = Literal[
    "new", "restored", "renamed", "moved", "described", "alternatives", "ids", "merged", "split", "gone"
]
"""What may differ, in the order in which it is shown."""

KINDS: tuple[Kind, ...] = get_args(Kind)

CERTAIN = 0.9
"""Changes with at least this score are certain; below it they are guesses."""

LEAST_GUESS = 0.55
"""The lowest score of a guess that is shown."""

HOLDS_BACK = 0.75
"""A guess with at least this score of what became of a label that is gone keeps it from being retired unasked."""

SAME_ID, SAME_PATH, SAME_NAME, OTHER_NAME = 1.0, 0.98, 0.92, 0.9
_NAME_ELSEWHERE = 0.8
_KNOWN = 0.75
"""What counts of the likeness to a label that was there before: it may be like one that is gone, and another."""

_ALIKE = 60
"""The `token_set_ratio` from which two names speak of one thing."""

Scores = Callable[[Sequence[Entry], Sequence[Entry]], NDArray[np.float32]]
"""How alike each of some labels is to each of others, 0 to 1, shape (len(first), len(second))."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An entry of the former set and the entry of the new one that is the same; `by` says how that is known."""

    former: Key
    present: Key
    by: str
    score: float


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `former` and `present` are keys of entries, or None where there is none.

    `into` are the entries that a merged, split or retired label is mapped to. `before` and `after` are the texts that
    differ. `own`: the workspace's state was made by hand, so that it is kept unless the change is accepted by name.
    """

    kind: Kind
    former: Key | None
    present: Key | None
    name: str
    before: str = ""
    after: str = ""
    into: tuple[Key, ...] = ()
    by: str = ""
    score: float = 1.0
    own: bool = False
    note: str = ""
    joins: bool = False
    """It guesses that a label that is gone is a new one, under another id or name, or elsewhere."""

    @property
    def is_certain(self) -> bool:
        """Whether the change is taken over without being asked for one by one."""
        return self.score >= CERTAIN and not self.own


@dataclass(frozen=True)
class Comparison:
    """Two label sets, which of their entries are the same, and all that differs."""

    former: LabelSet
    present: LabelSet
    pairs: tuple[Pair, ...]
    changes: tuple[Change, ...]
    unlike_ids: tuple[tuple[Entry, Entry], ...] = ()
    """Labels of one id whose names have nothing in common."""
    same_ids: int = 0
    """Labels whose id is in both."""
    notes: tuple[str, ...] = ()

    @property
    def matched(self) -> int:
        """The number of labels that are in both."""
        entries = self.former.entries
        return sum(entries[pair.former].label is not None for pair in self.pairs)

    def counts(self) -> Mapping[Kind, int]:
        """Return the number of changes of each kind that occurs."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in KINDS if found[kind]}


def compare_sets(
    former: LabelSet,
    present: LabelSet,
    *,
    scores: Scores | None = None,
    edits: HandEdits | None = None,
    added: Iterable[LabelId] = (),
    restorable: Iterable[LabelId] = (),
    renumbered: Iterable[LabelId] = (),
) -> Comparison:
    """Compare a label set with a new version.

    Labels are the same by their id (if the ids are the user's own), else by their path, by their name if nothing else
    is called so, or by an alternative name; categories also by the labels below them. What is left is compared by
    `scores`, if given, and makes guesses. What was changed by hand (`edits`) is kept, and so are labels that a user
    `added`, unless it is asked for. Retired labels of `former` that come again are restored; those in `restorable`
    without being asked. Labels are also known by former ids; one whose former id is in `renumbered` keeps its own.
    """
    edits = edits or HandEdits()
    pairing = _Pairing(edits.undone_in(former), present)
    pairing.run()
    finder = _Differences(
        former, pairing, edits, frozenset(added), frozenset(restorable), frozenset(renumbered)
    )
    return Comparison(
        former,
        present,
        tuple(pairing.pairs.values()),
        tuple(sorted(finder.find(scores), key=lambda change: KINDS.index(change.kind))),
        tuple(pairing.unlike),
        pairing.same_ids,
        tuple(pairing.notes),
    )


class _Pairing:
    """Finds which entries of two sets are the same. `pairs` are by the key in the former set."""

    def __init__(self, former: LabelSet, present: LabelSet) -> None:
        self.former, self.present = former, present
        self.pairs: dict[Key, Pair] = {}
        self.back: dict[Key, Key] = {TOP: TOP}
        """The former entry of each paired present one."""
        self.unlike: list[tuple[Entry, Entry]] = []
        self.guessed: dict[Key, Pair] = {}
        self.same_ids = 0
        self.notes: list[str] = []

    def run(self) -> None:
        if self.former.has_ids and self.present.has_ids:
            self.by_id()
        self.by_path()
        self.by_name()
        self.by_other_name()
        if self.former.has_tree and self.present.has_tree:
            self.by_members()
            self.by_path()

    def add(self, former: Key, present: Key, by: str, score: float) -> None:
        self.pairs[former] = Pair(former, present, by, score)
        self.back[present] = former

    def left(self, side: LabelSet) -> list[Entry]:
        """Return the entries of a set without a pair, in order."""
        taken: Mapping[Key, object] = self.pairs if side is self.former else self.back
        return [entry for key, entry in side.entries.items() if key not in taken]

    def by_id(self) -> None:
        names = self.present.by_folded_name(entry.key for entry in self.present.labels)
        for entry in self.former.labels:
            other = self.present.entries.get(entry.key)
            if other is None:
                continue
            self.same_ids += 1
            score = SAME_ID
            if not are_alike(entry, other):
                self.unlike.append((entry, other))
                elsewhere = [key for key in names.get(self.former.folded[entry.key], ()) if key != entry.key]
                if elsewhere:
                    score = CERTAIN - 0.2
                    self.notes.append(
                        f"the id {entry.id!r} is {entry.name!r} here and {other.name!r} in the file, where "
                        f"{entry.name!r} is {elsewhere[0]!r}"
                    )
            self.add(entry.key, other.key, "id", score)
        for old, now in self.former.former_ids.items():
            if old in self.present.entries and old not in self.back and now not in self.pairs:
                self.add(now, old, "former id", SAME_ID)

    def by_path(self) -> None:
        """Pair entries of one name below parents that are the same, from the top down."""
        there: defaultdict[tuple[str, Key], list[Key]] = defaultdict(list)
        for entry in self.left(self.former):
            for parent in entry.parents or (TOP,):
                there[(self.former.folded[entry.key], parent)].append(entry.key)
        named = Counter(
            (self.present.folded[entry.key], parent)
            for entry in self.left(self.present)
            for parent in entry.parents or (TOP,)
        )
        flat = not (self.former.has_tree and self.present.has_tree)
        for entry in self.left(self.present):
            folded = self.present.folded[entry.key]
            for parent in entry.parents or (TOP,):
                above = TOP if flat else self.back.get(parent)
                if above is None or named[folded, parent] > 1:
                    continue
                found = [key for key in there.get((folded, above), ()) if key not in self.pairs]
                exact = [key for key in found if self.former.entries[key].name == entry.name] or found
                if len(exact) == 1:
                    self.add(exact[0], entry.key, "name" if flat else "path", SAME_PATH)
                    break

    def by_name(self) -> None:
        """Pair entries whose names nothing else in either set has."""
        self._by_key(
            lambda side, entries: side.by_folded_name(entry.key for entry in entries),
            "name",
            SAME_NAME,
        )

    def ids_are_kept(self) -> bool:
        """Whether most labels have the same id in both sets, so that another id speaks for another label."""
        return self.same_ids * 2 > min(len(self.former.labels), len(self.present.labels))

    def by_other_name(self) -> None:
        """Pair labels one of which is called like the other in its alternative names."""
        former = self.former.by_folded_name(entry.key for entry in self.left(self.former) if entry.label)
        present = self.present.by_folded_name(entry.key for entry in self.left(self.present) if entry.label)
        found: list[tuple[Key, Key]] = []
        for entry in self.left(self.present):
            found += [
                (key, entry.key) for name in _folded_alternatives(entry) for key in former.get(name, ())
            ]
        for entry in self.left(self.former):
            found += [
                (entry.key, key) for name in _folded_alternatives(entry) for key in present.get(name, ())
            ]
        found = list(dict.fromkeys(found))
        ones, others = Counter(one for one, _ in found), Counter(other for _, other in found)
        for one, other in found:
            if ones[one] == others[other] == 1:
                if self.ids_are_kept():
                    self.guessed[one] = Pair(one, other, "alternative name", _NAME_ELSEWHERE)
                else:
                    self.add(one, other, "alternative name", OTHER_NAME)

    def _by_key(
        self, keyed: Callable[[LabelSet, list[Entry]], Mapping[str, list[Key]]], by: str, score: float
    ) -> None:
        all_former = keyed(self.former, list(self.former.entries.values()))
        all_present = keyed(self.present, list(self.present.entries.values()))
        present = keyed(self.present, self.left(self.present))
        for name, keys in keyed(self.former, self.left(self.former)).items():
            others = present.get(name, ())
            if len(keys) != 1 or len(others) != 1:
                continue
            former, other = self.former.entries[keys[0]], self.present.entries[others[0]]
            if (former.label is None) != (other.label is None) and former.label is not None:
                continue
            if len(all_former[name]) == len(all_present[name]) == 1 and not self.ids_are_kept():
                self.add(keys[0], others[0], by, score)
            elif former.label is not None:
                self.guessed[keys[0]] = Pair(keys[0], others[0], by, _NAME_ELSEWHERE)

    def by_members(self) -> None:
        """Pair categories, and labels below the same parent, that hold mostly the same."""
        former = {entry.key: entry for entry in self.left(self.former)}
        present = {entry.key: entry for entry in self.left(self.present)}
        shared: Counter[tuple[Key, Key]] = Counter()
        for pair in self.pairs.values():
            for one in self.former.entries[pair.former].parents:
                for other in self.present.entries[pair.present].parents:
                    if one in former and other in present:
                        shared[one, other] += 1
        for (one, other), count in shared.most_common():
            size = max(len(self.former.children[one]), len(self.present.children[other]))
            if one in self.pairs or other in self.back or count * 2 <= size:
                continue
            if former[one].label is None and present[other].label is None:
                self.add(one, other, "what is below", CERTAIN)
            elif (
                former[one].label is not None and present[other].label is not None and one not in self.guessed
            ):
                above = {self.back.get(parent) for parent in present[other].parents}
                if above == set(former[one].parents) and not self.ids_are_kept():
                    self.add(one, other, "what is below", CERTAIN)
                else:
                    self.guessed[one] = Pair(one, other, "what is below", _NAME_ELSEWHERE)


def are_alike(one: Entry, other: Entry) -> bool:
    """Whether two entries have names, or alternative names, with words in common."""
    names = {fold_name(one.name), *_folded_alternatives(one)}
    others = {fold_name(other.name), *_folded_alternatives(other)}
    if names & others:
        return True
    return any(fuzz.token_set_ratio(name, each) >= _ALIKE for name in names for each in others)


def _folded_alternatives(entry: Entry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(fold_name, entry.alternatives)))


@dataclass
class _Differences:
    """Lists what differs between two paired sets."""

    former: LabelSet
    pairing: _Pairing
    edits: HandEdits
    added: frozenset[LabelId]
    restorable: frozenset[LabelId]
    renumbered: frozenset[LabelId]
    found: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.present = self.pairing.present
        self.described = any(entry.description for entry in self.present.labels)
        self.takes_ids = self.former.has_ids and self.present.has_ids

    def find(self, scores: Scores | None) -> list[Change]:
        gone = [entry for entry in self.former.labels if entry.key not in self.pairing.pairs]
        new = [entry for entry in self.present.labels if entry.key not in self.pairing.back]
        restored = [entry for entry in new if entry.id in self.former.retired]
        new = [entry for entry in new if entry.id not in self.former.retired]
        for pair in self.pairing.pairs.values():
            self.compare(pair)
        self.restore(restored)
        found = self.rejoined([entry for entry in gone if entry.id not in self.added], new, scores)
        self.found += found
        became = {change.former: change for change in found}
        for entry in new:
            self.found.append(Change("new", None, entry.key, entry.name, after=_path(entry)))
        for entry in gone:
            change = became.get(entry.key)
            if change is not None and change.is_certain:
                continue
            held = change is not None and _holds_back(change)
            self.found.append(
                Change(
                    "gone",
                    entry.key,
                    None,
                    entry.name,
                    before=_path(entry),
                    score=1 - change.score if change is not None and held else 1.0,
                    own=entry.id in self.added,
                    note=_why_kept(change if held else None, added=entry.id in self.added),
                )
            )
        return self.found

    def restore(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            assert entry.id is not None
            own = entry.id not in self.restorable
            self.found.append(
                Change("restored", entry.id, entry.key, entry.name, after=_path(entry), by="id", own=own)
            )

    def compare(self, pair: Pair) -> None:
        """List what differs between the two of a pair."""
        one, other = self.former.entries[pair.former], self.present.entries[pair.present]
        change = Change("renamed", one.key, other.key, one.name, by=pair.by, score=pair.score)
        if one.name != other.name:
            self.add(replace(change, before=one.name, after=other.name), "name", other.name)
        if one.label is not None and other.label is not None:
            if self.takes_ids and one.id != other.id:
                own = other.id in self.renumbered
                note = "changed by hand here" if own else ""
                ids = replace(change, kind="ids", before=str(one.id), after=str(other.id), own=own, note=note)
                self.add(ids, "id", other.id)
            if other.description and one.description != other.description:
                text = replace(change, kind="described", before=one.description, after=other.description)
                self.add(text, "description", other.description)
            if other.alternatives and set(one.alternatives) != set(other.alternatives):
                names = replace(
                    change,
                    kind="alternatives",
                    before="; ".join(one.alternatives),
                    after="; ".join(other.alternatives),
                )
                self.add(names, "alternatives", other.alternatives)
        if self.former.has_tree and self.present.has_tree:
            above = self.places(other)
            if above != set(one.parents):
                moved = replace(
                    change, kind="moved", before=_places(self.former, one), after=_places(self.present, other)
                )
                self.add(moved, "place", frozenset(above))

    def places(self, entry: Entry) -> set[Key]:
        """Return the parents of a present entry as keys of the former set; a new parent is its own key in a tuple."""
        back = self.pairing.back
        return {back[parent] if parent in back else ("new", str(parent)) for parent in entry.parents}

    def add(self, change: Change, field: str, value: object) -> None:
        """Add a change, unless the file is as before and the workspace was changed by hand."""
        assert change.former is not None
        if field not in self.edits.fields.get(change.former, ()):
            self.found.append(change)
        elif self.edits.base.get((change.former, field)) != value:
            self.found.append(replace(change, own=True, note="changed by hand here"))

    def rejoined(self, gone: Sequence[Entry], new: Sequence[Entry], scores: Scores | None) -> list[Change]:
        """Find what became of labels that are gone: another id, a merge, a split."""
        guessed = self.pairing.guessed
        found = [self.join(guessed[entry.key]) for entry in gone if entry.key in guessed]
        found += self.merged_or_split([entry for entry in gone if entry.key not in guessed], new)
        told = {change.former for change in found}
        left = [entry for entry in gone if entry.key not in told]
        if scores is not None and left:
            taken = {key for change in found for key in (*change.into, change.present)}
            fresh = [entry for entry in new if entry.key not in taken]
            known = [self.present.entries[pair.present] for pair in self.pairing.pairs.values()]
            others = [*fresh, *(entry for entry in known if entry.label is not None)]
            found += self.guesses(left, fresh, others, scores)
        return found

    def join(self, pair: Pair) -> Change:
        """Return the guess that a label that is gone is a new one."""
        one, other = self.former.entries[pair.former], self.present.entries[pair.present]
        kind: Kind = "ids" if self.takes_ids else "renamed" if one.name != other.name else "moved"
        before, after = _path(one), _path(other)
        if self.takes_ids:
            before, after = f"{one.id} ({before})", f"{other.id} ({after})"
        return Change(
            kind, one.key, other.key, one.name, before, after, by=pair.by, score=pair.score, joins=True
        )

    def merged_or_split(self, gone: Sequence[Entry], new: Sequence[Entry]) -> Iterator[Change]:
        """Yield what names tell: alternative names, and names that hold each other."""
        called: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self.present.labels:
            for name in _folded_alternatives(entry):
                called[name].append(entry)
        fresh_under: defaultdict[Key, list[Entry]] = defaultdict(list)
        for entry in new:
            for parent in entry.parents or (TOP,):
                fresh_under[self.pairing.back.get(parent, parent)].append(entry)
        renamed_under: defaultdict[Key, list[Entry]] = defaultdict(list)
        for pair in self.pairing.pairs.values():
            one, other = self.former.entries[pair.former], self.present.entries[pair.present]
            if other.label is not None and one.name != other.name:
                for parent in one.parents or (TOP,):
                    renamed_under[parent].append(other)
        for entry in gone:
            change = Change("merged", entry.key, None, entry.name, before=_path(entry))
            named = called.get(self.former.folded[entry.key], [])
            if len(named) == 1:
                yield replace(
                    change, into=(named[0].key,), after=_path(named[0]), by="alternative name", score=0.95
                )
                continue
            words = set(self.former.folded[entry.key].split())
            near = {
                each.key: each for parent in entry.parents or (TOP,) for each in fresh_under.get(parent, ())
            }
            below = {each.key: each for each in fresh_under.get(entry.key, ())}
            parts = [
                each
                for each in {**near, **below}.values()
                if set(self.present.folded[each.key].split()) < words
            ]
            covered = {word for each in parts for word in self.present.folded[each.key].split()}
            if len(parts) > 1 and len(covered) >= len(words - _JOINTS):
                yield replace(
                    change,
                    kind="split",
                    into=tuple(each.key for each in parts),
                    after=" and ".join(map(_path, parts)),
                    by="words of the name",
                    score=0.85,
                )
                continue
            joined = [
                each
                for parent in entry.parents or (TOP,)
                for each in renamed_under.get(parent, ())
                if words < set(self.present.folded[each.key].split())
            ]
            if len({each.key for each in joined}) == 1:
                yield replace(
                    change, into=(joined[0].key,), after=_path(joined[0]), by="words of the name", score=0.85
                )

    def guesses(
        self, gone: Sequence[Entry], new: Sequence[Entry], others: Sequence[Entry], scores: Scores
    ) -> Iterator[Change]:
        """Yield a guess for each label that is gone: the most alike of the new ones, else of all."""
        matrix = scores(gone, others).copy()
        fresh = len(new)
        matrix[:, fresh:] *= _KNOWN
        best_back = matrix[:, :fresh].argmax(0) if fresh else None
        for row, entry in enumerate(gone):
            change = Change("merged", entry.key, None, entry.name, before=_path(entry), by="vectors")
            column = int(matrix[row].argmax())
            score = min(float(matrix[row, column]), CERTAIN - 0.01)
            if score < LEAST_GUESS:
                continue
            other = others[column]
            mutual = column < fresh and best_back is not None and int(best_back[column]) == row
            if mutual:
                yield self.join(Pair(entry.key, other.key, "vectors", score))
            else:
                yield replace(change, into=(other.key,), after=_path(other), score=score)


def _holds_back(change: Change) -> bool:
    """Whether a guess of what became of a label keeps it from being retired; a known one that is like it does not."""
    return change.score >= HOLDS_BACK and (change.joins or change.by != "vectors")


def _why_kept(change: Change | None, *, added: bool) -> str:
    if added:
        return "added here, and not by a file"
    return "" if change is None else f"perhaps not gone: see {change.kind}"


_JOINTS = frozenset({"and", "or", "und", "oder", "et", "ou", "y", "o", "e", "of", "the"})
"""Words that join the parts of a name."""


def _path(entry: Entry) -> str:
    return " > ".join(entry.path)


def _places(side: LabelSet, entry: Entry) -> str:
    """Return the paths of what an entry is below."""
    paths = [
        " > ".join(side.entries[parent].path) if parent != TOP else "the top" for parent in entry.parents
    ]
    return "; ".join(sorted(paths)) or "no place"
