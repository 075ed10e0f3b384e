"""Mark what walks made of known labels and of the nodes on their paths: hit, error or miss (XMC-Agent, 2.3).

A label is *hit* if it was answered and is right, an *error* if it was answered and is wrong, a *miss* if it is right
and was not answered. Every label of a stored result counts as answered, at its place; readers may take the first few.
A label of which nobody said anything is wrong only where the item's labels are completely known, else *unknown*.

The nodes on the search path of an answered label are the opened ones among its own nodes and those above. All nodes
above a right label that the walk of the tree did not reach are missed, opened or not, even if dense retrieval found
it. A node on several paths is marked once: as hit before miss before error. The root is no choice, and has no
mark.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from taxonaut.state.graph_states.navigate import Trail
from taxonaut.state.ids import EventId, LabelId, NodeId, RunId
from taxonaut.state.records import Item
from taxonaut.state.stores.ledger import ItemTruth, Mark, MarkKind, PathMark
from taxonaut.state.stores.runs import Run
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import batched
from taxonaut.workspace.walk.classification import KIND
from taxonaut.workspace.walk.explanation import walked_tree
from taxonaut.workspace.walk.labelled_items import known_truths

BLOCK = 1_000
"""Items read per query, to bound memory."""

Above = Callable[[LabelId], frozenset[NodeId]]
"""Returns the nodes that a label is placed in and all nodes above them, without the root."""

_PRECEDENCE: Mapping[PathMark, int] = {"hit": 0, "miss": 1, "error": 2}
_VERDICTS: Mapping[bool | None, MarkKind] = {True: "hit", False: "error", None: "unknown"}


def mark_walks(
    workspace: Core, items: Iterable[Item] | None = None, run: Run | None = None
) -> dict[str, RunId]:
    """Mark the stored walks of items about which the ledger has something; return the marked run of each unit.

    Each item's latest walk is marked, one of the tree before one of dense retrieval alone; with `run`, its walk in
    that run. Marking a walk again replaces its marks: the same truths give the same ones.
    """
    return mark_items(workspace, known_truths(workspace, items), run)


def mark_items(
    workspace: Core, items: Iterable[tuple[Item, ItemTruth]], run: Run | None = None
) -> dict[str, RunId]:
    """Do what `mark_walks` does, for items whose truths are read already."""
    waiting = {truth.unit: (item, truth) for item, truth in items}
    runs = [run] if run is not None else workspace.runs.list(KIND)
    found: dict[str, RunId] = {}
    for each in sorted(runs, key=walked_tree, reverse=True):
        marker = WalkMarker(workspace, each)
        for block in batched(list(waiting.values()), BLOCK):
            done = marker.mark(block)
            found |= dict.fromkeys(done, each.id)
            for unit in done:
                del waiting[unit]
    return found


def count_marks(workspace: Core, items: Iterable[Item], run: Run) -> dict[PathMark, int]:
    """Mark the walks of items in a run, and count the marks of their labels."""
    units = list(mark_walks(workspace, items, run))
    counts: dict[PathMark, int] = dict.fromkeys(_PRECEDENCE, 0)
    for mark in workspace.ledger.marks(run.id, units):
        if mark.label is not None and mark.mark != "unknown":
            counts[mark.mark] += 1
    return counts


class WalkMarker:
    """Marks the walks of one run."""

    def __init__(self, workspace: Core, run: Run) -> None:
        self.workspace = workspace
        self.run = run.id
        self.version = EventId(int(run.settings.get("index", 0)))
        self.models = name_models(run)

    @cached_property
    def above(self) -> Above:
        """The nodes above each label in the tree that was walked."""
        return nodes_above(self.workspace, self.version)

    def mark(self, items: Sequence[tuple[Item, ItemTruth]]) -> list[str]:
        """Mark the walks of items and store the marks; return the units that have a walk in this run."""
        ledger, made = self.workspace.ledger, defaultdict[str, list[Mark]](list)
        for mark in ledger.marks(self.run, [truth.unit for _, truth in items]):
            made[mark.unit].append(mark)
        current = {truth.unit for _, truth in items if is_current(truth, made.get(truth.unit, ()))}
        stale = [truth.unit for _, truth in items if truth.unit not in current]
        kept = self.workspace.runs.finished(self.run, stale)
        todo = [(item, truth) for item, truth in items if truth.unit in kept]
        trails = self.workspace.trails.latest(self.run, [item.id for item, _ in todo]) if todo else {}
        marks: list[Mark] = []
        for item, truth in todo:
            marks += self.mark_item(truth, kept[truth.unit], trails.get(item.id, Trail()))
        ledger.mark(self.run, list(kept), marks)
        return [truth.unit for _, truth in items if truth.unit in current or truth.unit in kept]

    def mark_item(self, truth: ItemTruth, result: Mapping[str, Any], trail: Trail) -> list[Mark]:
        """Return the marks of one walk."""
        answered = [LabelId(label["label_id"]) for label in result["labels"]]
        today = self.workspace.index.todays([*answered, *trail.retrieved])
        places: dict[LabelId, int] = {}
        for place, label in enumerate(answered, start=1):
            if label in today:
                places.setdefault(today[label], place)
        labels = mark_labels(truth, places)
        opened = {way.node for way in trail.opened}
        nodes = mark_nodes(labels, opened, {today.get(label, label) for label in trail.retrieved}, self.above)

        def row(mark: MarkKind, label: LabelId | None = None, node: NodeId | None = None) -> Mark:
            place = places.get(label) if label is not None else None
            was_opened = node in opened if node is not None else None
            return Mark(
                truth.item,
                truth.unit,
                label,
                node,
                mark,
                place,
                was_opened,
                self.run,
                self.version,
                self.models,
            )

        return [
            *(row(mark, label) for label, mark in labels.items()),
            *(row(mark, node=node) for node, mark in nodes.items()),
        ]


def is_current(truth: ItemTruth, marks: Sequence[Mark]) -> bool:
    """Whether the marks of a walk are those that a truth gives."""
    labels = {mark.label: mark for mark in marks if mark.label is not None}
    places = {label: mark.place for label, mark in labels.items() if mark.place is not None}
    return bool(marks) and mark_labels(truth, places) == {label: mark.mark for label, mark in labels.items()}


def mark_labels(truth: ItemTruth, places: Mapping[LabelId, int]) -> dict[LabelId, MarkKind]:
    """Return the marks of an item's labels; `places` are those of the answered ones, from 1."""
    found: dict[LabelId, MarkKind] = {label: _VERDICTS[truth.is_right(label)] for label in places}
    return found | {label: "miss" for label in truth.right if label not in places}


def mark_nodes(
    labels: Mapping[LabelId, MarkKind],
    opened: Collection[NodeId],
    retrieved: Collection[LabelId],
    above: Above,
) -> dict[NodeId, PathMark]:
    """Return the marks of the nodes on the paths of marked labels, by node.

    `retrieved` are labels that dense retrieval alone found. A walk that opened nothing has no marks of nodes.
    """
    found: dict[NodeId, PathMark] = {}
    for label, mark in labels.items() if opened else ():
        if mark == "unknown":
            continue
        path, by_tree = above(label), mark != "miss" and label not in retrieved
        marked: list[tuple[NodeId, PathMark]] = (
            [(node, mark) for node in path if node in opened] if by_tree or mark != "error" else []
        )
        if mark != "error" and not by_tree:
            marked += [(node, "miss") for node in path if node not in opened]
        for node, kind in marked:
            if node not in found or _PRECEDENCE[kind] < _PRECEDENCE[found[node]]:
                found[node] = kind
    return dict(sorted(found.items()))


def nodes_above(workspace: Core, version: EventId) -> Above:
    """Return the nodes on the paths to labels of today in the tree of a version of the index."""
    index = workspace.index
    known: dict[LabelId, frozenset[NodeId]] = {}
    if version == index.version():

        def above(label: LabelId) -> frozenset[NodeId]:
            if label not in known:
                known[label] = index.above(label)
            return known[label]

        return above
    then = index.snapshot(version)
    places: dict[LabelId, list[NodeId]] = defaultdict(list)
    for label, now in index.todays(then.nodes_of).items():
        places[now] += then.nodes_of[label]

    def above_then(label: LabelId) -> frozenset[NodeId]:
        if label not in known:
            waiting, seen = list(places.get(label, ())), set[NodeId]()
            while waiting:
                node = waiting.pop()
                if node not in seen and node != index.root():
                    seen.add(node)
                    waiting += then.parents.get(node, ())
            known[label] = frozenset(seen)
        return known[label]

    return above_then


def name_models(run: Run) -> str:
    """Name the models of a run: the navigator's and the general expert's, and what was learned, if that is in use."""
    roles = run.settings.get("models", {})
    names = [str(roles.get(role, {}).get("model", "")) for role in ("navigator", "general_expert")]
    learned = run.settings.get("learned")
    return ", ".join(dict.fromkeys([*filter(None, names), *([f"learned {learned}"] if learned else [])]))
