"""Bring a workspace's labels and tree up to a new version of their file, in whole or in part, as one change."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from taxonaut.state.errors import CycleError, InputError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.label_mappings import RENAMED, RetiringKind
from taxonaut.state.records import Label
from taxonaut.workspace.build.add_labels import Growth, Insertion, compare_labels, write_growth
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.index_formats.label_history import load_history
from taxonaut.workspace.files.index_formats.rdf_imports import keep_rdf, retire_deprecated
from taxonaut.workspace.files.label_files import LabelFile
from taxonaut.workspace.labels.hand_edits import UPDATE_NOTE, find_hand_edits
from taxonaut.workspace.labels.label_match import Embed, MatchWeights, Matrix, PairScorer
from taxonaut.workspace.labels.label_sets import TOP, Entry, Key, set_from_file, set_from_index
from taxonaut.workspace.labels.set_comparison import (
    CERTAIN,
    KINDS,
    Change,
    Comparison,
    Kind,
    Scores,
    compare_sets,
)

MOST_GUESSED = 2_000
"""Labels that are gone up to which what became of them is looked for by vectors."""

LEAST_HEIRS: Mapping[RetiringKind, int] = {"retired": 0, "merged": 1, "split": 2}
"""How many labels must be there for a label that is gone to be mapped as merged or split."""

_CANDIDATES = 20
_LEAST_SHARED = 3
_UNLIKE = 0.8
_STRANGE = 0.2
IMPORTED = "initial"
"""The batch of labels that were there from the start."""


@dataclass(frozen=True, slots=True)
class AcceptRule:
    """Which changes are accepted: of these kinds, with at least this score, and over what was changed by hand."""

    kinds: frozenset[Kind] = frozenset(KINDS)
    min_score: float = CERTAIN
    overwrite: bool = False

    def accepts(self, change: Change) -> bool:
        """Whether a change is accepted."""
        return (
            change.kind in self.kinds
            and change.score >= self.min_score
            and (self.overwrite or not change.own)
        )


@dataclass(frozen=True)
class LabelUpdate:
    """A new version of a label file, compared with a workspace at index version `version`."""

    file: LabelFile
    comparison: Comparison
    version: EventId
    kept: int = 0
    """Labels that the file lacks, and that stay, as it is `partial`."""
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """All that differs, by kind."""
        return self.comparison.changes

    def accepted(self, rule: AcceptRule) -> list[Change]:
        """Return the changes that a rule accepts."""
        return [change for change in self.changes if rule.accepts(change)]


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update wrote: changes of each kind, and those left. `change` can be undone; None if nothing was."""

    applied: Mapping[Kind, int] = field(default_factory=dict)
    left: tuple[Change, ...] = ()
    change: EventId | None = None
    failed: Mapping[LabelId, str] = field(default_factory=dict)
    """New labels about which a model gave no usable answer, where agents built the tree; they were not added."""
    notes: tuple[str, ...] = ()


def prepare_update(
    workspace: Core, file: LabelFile, *, partial: bool = False, same_ids: bool = False, guess: bool = True
) -> LabelUpdate:
    """Compare a workspace's labels with a new version of their file; nothing is written.

    `partial`: labels that the file lacks stay. `same_ids`: labels of one id are the same, whatever their names.
    `guess`: what became of labels that are gone is also looked for by vectors. Raises InputError for an empty
    workspace, and for a file that is of another taxonomy.
    """
    index = workspace.index
    if not index.label_ids():
        raise InputError(
            f"{str(workspace.folder)!r} has no labels yet; import these instead: taxonaut labels import FILE"
        )
    snapshot = index.snapshot()
    former = set_from_index(snapshot, str(workspace.folder))
    present = set_from_file(file)
    restorable = [old for old, mapping in snapshot.mappings.items() if mapping.reason.startswith(UPDATE_NOTE)]
    renumbered = [
        old
        for old, mapping in snapshot.mappings.items()
        if mapping.kind == RENAMED and not mapping.reason.startswith(UPDATE_NOTE)
    ]
    added = [
        label.id
        for entry in former.labels
        if (label := entry.label) and label.batch != IMPORTED and not label.batch.startswith(UPDATE_NOTE)
    ]
    comparison = compare_sets(
        former,
        present,
        scores=_scores(workspace) if guess else None,
        edits=find_hand_edits(index),
        added=added,
        restorable=restorable,
        renumbered=renumbered,
    )
    check_same_taxonomy(comparison, file.name, same_ids=same_ids)
    kept = 0
    if partial:
        kept = sum(change.kind == "gone" for change in comparison.changes)
        left = tuple(
            change for change in comparison.changes if change.kind not in ("gone", "merged", "split")
        )
        comparison = replace(comparison, changes=left)
    return LabelUpdate(file, comparison, snapshot.version, kept, comparison.notes)


def check_same_taxonomy(comparison: Comparison, name: str, *, same_ids: bool = False) -> None:
    """Raise InputError where a file has other labels altogether, or where its ids stand for other labels."""
    former, present = comparison.former, comparison.present
    unlike = [] if same_ids else comparison.unlike_ids
    size = min(len(former.labels), len(present.labels))
    if comparison.same_ids >= _LEAST_SHARED and len(unlike) > _UNLIKE * comparison.same_ids:
        names = Counter(former.folded[entry.key] for entry in former.labels)
        known = sum(present.folded[entry.key] in names for entry in present.labels)
        one, other = unlike[0]
        if known > _STRANGE * size:
            raise InputError(
                f"the ids of {name} stand for other labels than those of the workspace: {one.id!r} is {one.name!r} "
                f"here and {other.name!r} there, and so for {len(unlike):,} of {comparison.same_ids:,}; nothing was "
                "changed. To compare by paths and names, and keep the ids of the workspace: --id-column ''"
            )
        raise InputError(
            f"{name} is of another taxonomy: of {comparison.same_ids:,} ids that are in both, {len(unlike):,} have "
            f"names that have nothing in common, such as {one.id!r}, {one.name!r} here and {other.name!r} there; "
            "nothing was changed. If the names were translated or written anew: --same-ids. To map one taxonomy to "
            "the other: taxonaut labels match FILE"
        )
    matched = comparison.matched - len(unlike)
    if matched < _STRANGE * size:
        share = 100 * matched / size
        raise InputError(
            f"{name} is of another taxonomy: only {share:.0f} % of its labels match those of the workspace "
            f"({matched:,} of {size:,}); nothing was changed. To map one to the other: taxonaut labels match FILE; "
            "to work with both, import it into a workspace of its own (taxonaut init DIR)"
        )


def check_not_partial(update: LabelUpdate, accepted: Sequence[Change]) -> None:
    """Raise InputError where more than half of the labels would be retired because the file lacks them."""
    gone = sum(change.kind == "gone" for change in accepted)
    labels = len(update.comparison.former.labels)
    if gone * 2 > labels:
        raise InputError(
            f"{update.file.name} lacks {gone:,} of the {labels:,} labels; nothing was changed. If it is only a part "
            "of the taxonomy, say so: --partial (what it lacks stays). If the others are to be retired: --accept "
            "with a list that names 'gone'"
        )


def _scores(workspace: Core) -> Scores:
    """Return how labels that are gone are compared with others: by words with all, by vectors with the nearest."""

    def scores(gone: Sequence[Entry], others: Sequence[Entry]) -> Matrix:
        weights = MatchWeights(inherit=0)
        by_words = PairScorer(others, None, weights).scores(gone)
        if len(gone) > MOST_GUESSED or not others:
            return by_words
        many = min(len(others), _CANDIDATES)
        near = np.unique(np.argpartition(-by_words, many - 1, axis=1)[:, :many])
        taken = {entry.parents for entry in gone}
        beside = [at for at, entry in enumerate(others) if entry.parents in taken][: _CANDIDATES * len(gone)]
        columns = np.union1d(near, np.array(beside, dtype=np.intp))
        embed: Embed = partial(workspace.wiring.stored.lookup, stage="embedding labels")
        found = np.zeros_like(by_words)
        found[:, columns] = PairScorer([others[at] for at in columns], embed, weights).scores(gone)
        return found

    return scores


async def apply_update(
    workspace: Core, update: LabelUpdate, accepted: Sequence[Change], *, note: str = ""
) -> UpdateReport:
    """Apply changes of an update, in one transaction and as one change of the index.

    Where agents or k-means built the tree, new labels go down it as `labels add` has it. Raises InputError if the
    index was changed since the update was prepared.
    """
    index = workspace.index
    if not accepted:
        return UpdateReport(left=update.changes)
    if index.version() != update.version:
        raise InputError("the index was changed in the meantime; nothing was updated. Run the update again")
    note = note or f"{UPDATE_NOTE}{update.file.name}"
    writer = _Writer(index, update, accepted, note)
    new = writer.new_labels()
    growth = None
    if new and index.tree_method() in ("agents", "kmeans"):
        growth = await Insertion(workspace, new).plan()
        if index.version() != update.version:
            raise InputError(
                "the index was changed in the meantime; nothing was updated. Run the update again"
            )
    with workspace.database.write(), index.change(note):
        if growth is not None:
            write_growth(workspace, compare_labels(index, new), growth, None, note, dry_run=False)
        writer.write(grown=growth)
        load_history(index, update.file.history)
        if update.file.rdf is not None:
            retire_deprecated(index, update.file.retired, update.file.name)
            keep_rdf(workspace, index.version(), update.file.rdf, None)
    done = set(accepted)
    failed = growth.failed if growth is not None else {}
    applied = Counter(change.kind for change in accepted)
    return UpdateReport(
        {kind: applied[kind] for kind in KINDS if applied[kind]},
        tuple(change for change in update.changes if change not in done),
        index.version(),
        failed,
        tuple(writer.notes),
    )


class _Writer:
    """Writes accepted changes. Keys are those of the former set, or of the present one for what is new."""

    def __init__(self, index: Index, update: LabelUpdate, accepted: Sequence[Change], note: str) -> None:
        self.index, self.note = index, note
        self.former, self.present = update.comparison.former, update.comparison.present
        self.pairs = {pair.former: pair.present for pair in update.comparison.pairs}
        self.notes: list[str] = []
        self.accepted = {(change.kind, change.former, change.present) for change in accepted}
        self.joined = {
            change.former: change.present
            for change in accepted
            if change.joins and change.former is not None and change.present is not None
        }
        self.pairs.update(self.joined)
        self.back = {present: former for former, present in self.pairs.items()}
        joined_to = set(self.joined.values())
        self.new = {
            change.present: self.present.entries[change.present]
            for change in accepted
            if change.kind == "new" and change.present is not None and change.present not in joined_to
        }
        self.restored = [
            change.present for change in accepted if change.kind == "restored" and change.present is not None
        ]
        self.ids: dict[Key, LabelId] = {}
        """The ids that labels have when all is written, by their keys."""
        self.leaving = self._find_leaving(accepted)
        self.labels = self._new_labels()
        self.nodes: dict[Key, NodeId] = {}
        self.placed: list[tuple[LabelId, NodeId]] = []

    def _find_leaving(
        self, accepted: Sequence[Change]
    ) -> dict[LabelId, tuple[RetiringKind, tuple[Key, ...]]]:
        """Return the labels that are retired, why, and what they are mapped to."""
        found: dict[LabelId, tuple[RetiringKind, tuple[Key, ...]]] = {}
        for change in accepted:
            if change.kind not in ("gone", "merged", "split") or change.former in self.joined:
                continue
            entry = self.former.entries[change.former] if change.former is not None else None
            if entry is not None and entry.id is not None:
                kind: RetiringKind = "retired" if change.kind == "gone" else change.kind
                if kind != "retired" or entry.id not in found:
                    found[entry.id] = (kind, change.into)
        return found

    def is_accepted(self, kind: Kind, former: Key, present: Key) -> bool:
        return former in self.joined or (kind, former, present) in self.accepted

    def new_labels(self) -> list[Label]:
        """Return the labels that are added."""
        return list(self.labels.values())

    def _new_labels(self) -> dict[Key, Label]:
        found: dict[Key, Label] = {}
        taken: set[str] = set()
        for key, entry in self.new.items():
            if entry.label is None:
                continue
            id_, number = entry.label.id, 1
            while self.index.knows_id(id_) or id_ in taken:
                number += 1
                id_ = LabelId(f"{entry.label.id} ({number})")
            if id_ != entry.label.id and self.present.has_ids and self.former.has_ids:
                self.notes.append(
                    f"the id {entry.label.id!r} of {entry.name!r} was that of another label; it became {id_!r}"
                )
            taken.add(id_)
            self.ids[key] = id_
            found[key] = replace(entry.label, id=id_, batch=self.note)
        return found

    def id_of(self, key: Key) -> LabelId:
        """Return the present id of a label of the new version."""
        if key in self.ids:
            return self.ids[key]
        former = self.former.entries.get(self.back.get(key, key))
        return former.id if former is not None and former.id is not None else LabelId(str(key))

    def write(self, grown: Growth | None) -> None:
        index = self.index
        if self.restored:
            index.restore_labels([LabelId(str(key)) for key in self.restored])
        if grown is None:
            index.add_labels(self.new_labels())
        self.write_ids()
        if self.former.has_tree and self.present.has_tree:
            self.write_places()
        self.write_texts()
        self.retire()
        if self.former.has_tree:
            self.remove_empty()

    def retire(self) -> None:
        """Retire the labels that are gone, with mappings to what became of them."""
        leaving: defaultdict[RetiringKind, dict[LabelId, list[LabelId]]] = defaultdict(dict)
        for old, (kind, into) in self.leaving.items():
            ids = [self.id_of(key) for key in into]
            heirs = [each for each in ids if self.index.has_label(each)]
            if len(heirs) < len(ids):
                left = ", ".join(repr(each) for each in ids if each not in heirs)
                self.notes.append(f"{old!r} is not mapped to {left}, not added by this update")
            leaving[kind if len(heirs) >= LEAST_HEIRS[kind] else "retired"][old] = heirs
        for kind, labels in leaving.items():
            replaced_by = {old: heirs for old, heirs in labels.items() if heirs}
            self.index.retire_labels(list(labels), replaced_by=replaced_by, reason=self.note, kind=kind)

    def write_ids(self) -> None:
        """Give labels their new ids."""
        changed: dict[LabelId, LabelId] = {}
        for former, present in self.pairs.items():
            one, other = self.former.entries[former], self.present.entries[present]
            if one.id is None or other.id is None or one.id == other.id:
                continue
            if self.former.has_ids and self.present.has_ids and self.is_accepted("ids", former, present):
                holder = self.index.resolve(other.id)
                if self.index.knows_id(other.id) and holder.labels != (one.id,):
                    self.notes.append(
                        f"{one.id!r} keeps its id: {other.id!r} is or was that of another label"
                    )
                    continue
                changed[one.id] = other.id
                self.ids[present] = other.id
        if changed:
            self.index.reid_labels(changed, reason=self.note)

    def write_texts(self) -> None:
        """Take over names, descriptions and alternative names."""
        names: dict[LabelId, str] = {}
        texts: dict[LabelId, str] = {}
        others: dict[LabelId, tuple[str, ...]] = {}
        for former, present in self.pairs.items():
            one, other = self.former.entries[former], self.present.entries[present]
            if one.name != other.name and self.is_accepted("renamed", former, present):
                if one.id is not None and other.label is not None:
                    names[self.id_of(present)] = other.name
                self.rename_nodes(one, present, other.name)
            if one.label is None or other.label is None:
                continue
            if other.description and self.is_accepted("described", former, present):
                texts[self.id_of(present)] = other.description
            if other.alternatives and self.is_accepted("alternatives", former, present):
                others[self.id_of(present)] = other.alternatives
        for key in self.restored:
            entry = self.present.entries[key]
            names[self.id_of(key)] = entry.name
            self.rename_nodes(entry, key, entry.name)
        self.index.rename_labels(names)
        self.index.describe_labels(texts)
        self.index.set_alternatives(others)

    def rename_nodes(self, former: Entry, present: Key, name: str) -> None:
        """Rename the node of an entry, if it has one."""
        node = self.node_of(former.node, None if former.label is None else self.id_of(present))
        if node is not None and self.index.node(node).name != name:
            self.index.rename_node(node, name)

    def node_of(self, known: NodeId | None, label: LabelId | None) -> NodeId | None:
        """Return the node that is a label, or the one that is known for a category."""
        if label is None:
            return known if known is not None and self.index.has_node(known) else None
        places = self.index.nodes(self.index.placements_of(label))
        return next((node.id for node in places if node.label_id == label), None)

    def write_places(self) -> None:
        """Place what is new, and move what stands elsewhere, from the top down."""
        placed = {*self.new, *self.restored}
        try:
            for key, entry in self.present.entries.items():
                former = self.back.get(key)
                if key in placed:
                    self.place(key, entry)
                elif former is not None and self.moves(former, key, entry):
                    self.move(key, entry)
        except CycleError as error:
            raise InputError(
                f"{error}. Nothing was updated; the moves that were accepted depend on others that were not: accept "
                "them together"
            ) from error
        self.index.place_many(self.placed)

    def moves(self, former: Key, present: Key, entry: Entry) -> bool:
        if former in self.joined:
            return True
        return ("moved", former, present) in self.accepted

    def parents(self, entry: Entry) -> list[NodeId]:
        """Return the nodes that an entry of the new version belongs below."""
        found: dict[NodeId, None] = {}
        for parent in entry.parents or (TOP,):
            found.update(dict.fromkeys(self.resolve(parent)))
        return list(found) or [self.index.root()]

    def resolve(self, key: Key) -> list[NodeId]:
        """Return the node of an entry of the new version, made if it has none; else the nodes above it."""
        if key == TOP:
            return [self.index.root()]
        if key in self.nodes:
            return [self.nodes[key]]
        entry = self.present.entries[key]
        former = self.former.entries.get(self.back[key]) if key in self.back else None
        if entry.label is not None and former is None and key not in self.new and key not in self.restored:
            return self.parents(entry)  # a label that was not accepted
        label = self.id_of(key) if (former or entry).label is not None else None
        node = self.node_of(former.node if former is not None else None, label)
        if node is None:
            node = self.make_node(key, entry, label)
        self.nodes[key] = node
        return [node]

    def make_node(self, key: Key, entry: Entry, label: LabelId | None) -> NodeId:
        """Make a node of a category, or of a label that something comes below."""
        index = self.index
        waiting = [node for id_, node in self.placed if id_ == label]
        self.placed = [pair for pair in self.placed if pair[0] != label]
        former = index.placements_of(label) if label is not None else []
        above = former or waiting or self.parents(entry)
        if label is None:
            same = [
                node for node in index.children(above[0]) if node.name == entry.name and node.label_id is None
            ]
            if same:
                return same[0].id
        name = entry.name if label is None else index.label(label).name
        node = index.create_node(above[0], name, entry.description, label_id=label)
        for parent in above[1:]:
            index.add_edge(parent, node)
        if label is not None:
            index.place(label, [node])
            for place in former:
                index.unplace(label, place)
        return node

    def place(self, key: Key, entry: Entry) -> None:
        """Place a label that is new, or that came back."""
        label = self.id_of(key)
        if self.index.placements_of(label):
            self.move(key, entry)
            return
        above = self.parents(entry)
        self.placed += [(label, node) for node in above]
        if self.present.children.get(key):
            self.resolve(key)

    def move(self, key: Key, entry: Entry) -> None:
        """Put an entry below the parents that the new version gives it, and nowhere else."""
        index, above = self.index, self.parents(entry)
        former = self.former.entries.get(self.back.get(key, key))
        label = self.id_of(key) if entry.label is not None and (former is None or former.label) else None
        node = self.node_of(former.node if former is not None else None, label)
        if node is not None:
            there = [parent.id for parent in index.parents(node)]
            fresh = [parent for parent in above if parent not in there]
            stale = [parent for parent in there if parent not in above]
            if len(fresh) == len(stale) == 1:
                index.move_node(node, fresh[0], stale[0])
            else:
                for parent in fresh:
                    index.add_edge(parent, node)
                for parent in stale:
                    index.remove_edge(parent, node)
            above = [node]
        if label is None:
            return
        there = index.placements_of(label)
        index.place(label, above)
        for place in there:
            if place not in above:
                index.unplace(label, place)

    def remove_empty(self) -> None:
        """Remove the categories of the former version that hold nothing any more."""
        waiting = [entry for entry in self.former.entries.values() if entry.label is None]
        for entry in reversed(waiting):
            node = entry.node
            if node is None or not self.index.has_node(node) or not self.index.is_terminal(node):
                continue
            if not self.index.labels_at(node):
                self.index.remove_node(node)
