"""Policies: limits and order of a walk, thresholds of building an index and a vocabulary."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.build_index import Partition
from taxonaut.state.graph_states.build_vocabulary import ItemGroup
from taxonaut.state.graph_states.navigate import Reason
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.tools.support.clustering import part_count

ShortlistSource = Literal["tree", "dense", "both"]
Order = Literal["breadth", "depth"]
Start = Literal["root", "anchored"]

_CHOICES = {
    "shortlist": ("tree", "dense", "both"),
    "order": ("breadth", "depth"),
    "start": ("root", "anchored"),
}
_LEAST = {"terminals": 1, "dense": 1, "anchors": 1, "candidates": 0, "beam": 0}


@dataclass(frozen=True, slots=True)
class WalkPolicy:
    """How far a walk goes and what it passes to the ranking (XMC-Agent, 2.1 and appendix B).

    `shortlist`: labels from the walk, from exact dense retrieval, or both joined.
    `order`: `breadth` opens a level at a time; `depth` keeps a stack, best branch on top, and opens one node at a
    time.
    `terminals`: the walk of an item stops after this many terminal nodes (20 in the paper). Breadth-first, a level
    opens at most as many branches as are left of it.
    `beam`: most branches an item keeps of one step, best first: of a whole level, or, depth-first, of one node; 0:
    no limit. `threshold`: branches whose path score is lower stay closed, and labels of dense retrieval whose score
    is lower are not added; None closes none and adds all.
    `ancestors`: ancestor augmentation. True shows and compares a branch as its path `Arts > Dance`, False by its
    name `Dance`; None is the navigator's default: paths in the user's own tree (a prompt has the path once, above
    the branches), names in a built tree.
    `start`: `root`, or `anchored`: at the nodes of the `anchors` labels that dense retrieval scores best. From there
    the navigator chooses among the branches of their parents, level by level up to the root, and below what it
    opens. Anchored nodes do not count in `terminals`.
    `dense`: labels added by dense retrieval. `candidates`: most labels shown to the general expert, best first by
    the retriever's score; 0 shows all.
    `inherit`: the parent's share of a score: score = inherit * parent + (1 - inherit) * own.
    """

    shortlist: ShortlistSource = "both"
    terminals: int = 20
    dense: int = 100
    candidates: int = 0
    inherit: float = 0.15
    order: Order = "breadth"
    ancestors: bool | None = None
    beam: int = 0
    threshold: float | None = None
    start: Start = "root"
    anchors: int = 20

    def __post_init__(self) -> None:
        """Raise InputError for an invalid setting."""
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                choices = ", ".join(map(repr, allowed[:-1])) + f" or {allowed[-1]!r}"
                raise InputError(f"{name} is {getattr(self, name)!r}; it may be {choices}")
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; it is at least {least}")
        if not 0 <= self.inherit <= 1:
            raise InputError(f"inherit is {self.inherit}; it is a share: give a number from 0 to 1")

        if self.threshold is not None and not isfinite(self.threshold):
            raise InputError(f"threshold is {self.threshold}; give a score, or None to close no branch")

    @property
    def needs_retriever(self) -> bool:
        """Whether the walk itself compares labels by vectors, whatever the models do."""
        return self.shortlist != "tree" or self.candidates > 0 or self.start == "anchored"

    def near_enough(self, found: Sequence[tuple[LabelId, float]]) -> Sequence[tuple[LabelId, float]]:
        """Return the labels of dense retrieval whose score reaches the threshold."""
        low = self.threshold
        return found if low is None else [pair for pair in found if pair[1] >= low]

    def path_score(self, parent: float, own: float) -> float:
        """Return a branch's score, weighted from its own and its parent's."""
        return self.inherit * parent + (1 - self.inherit) * own

    def kept(
        self, branches: Mapping[NodeId, float], reached: int, opened: Collection[NodeId]
    ) -> tuple[list[NodeId], dict[NodeId, Reason]]:
        """Return the branches of one step to open, best first, and for the others the reason to leave them closed.

        No node is opened twice. Ties are broken by node id, the older first.
        """
        new = sorted((n for n in branches if n not in opened), key=lambda n: (-branches[n], n))
        left = max(self.terminals - reached, 0) if self.order == "breadth" else len(new)
        most = min(left, self.beam or len(new))
        why: dict[NodeId, Reason] = {}
        keep: list[NodeId] = []
        for node in new:
            if self.threshold is not None and branches[node] < self.threshold:
                why[node] = "threshold"
            elif len(keep) < most:
                keep.append(node)
            else:
                why[node] = "budget" if len(keep) >= left else "beam"
        return keep, why


@dataclass(frozen=True, slots=True)
class BuildPolicy:
    """Thresholds of self-construction (XMC-Agent 2.2.1; the paper gives no values but for k-means, k = 16).

    `centres`: most centres of one partition; fewer if they would get less than half of `terminal_size` each.
    `terminal_size`: a partition with no more labels is a terminal node. `depth`: most levels below the root; larger
    partitions there stay terminal. `overlap`: two centres are near-duplicates if the smaller shares at least this
    share of its labels with the other. `swallow`: most of the labels that one centre may hold. `other`: most of
    them that may fit no centre. `attempts`: splits tried before labels are clustered by their vectors instead.
    `examples`: labels stored with a node.
    """

    centres: int = 16
    terminal_size: int = 24
    depth: int = 8
    overlap: float = 0.8
    swallow: float = 0.8
    other: float = 0.3
    attempts: int = 3
    examples: int = 8

    def __post_init__(self) -> None:
        """Raise InputError for an invalid threshold."""
        for name, least in (
            ("centres", 2),
            ("terminal_size", 2),
            ("depth", 1),
            ("attempts", 1),
            ("examples", 1),
        ):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be at least {least}")
        for name in ("overlap", "swallow", "other"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)!r}; it is a share between 0 and 1")

    def is_terminal(self, partition: Partition) -> bool:
        """Tell whether a partition is not split further."""
        return len(partition.labels) <= self.terminal_size or partition.depth >= self.depth

    def wanted(self, partition: Partition) -> int:
        """Return the most centres to propose for a partition."""
        return part_count(len(partition.labels), self.terminal_size, self.centres)


LEAST = {
    "categories": 2,
    "split_threshold": 2,
    "per_descriptor": 1,
    "max_refinement_cycles": 0,
    "anomaly_threshold": 1,
    "proposals": 1,
    "branching": 0,
    "depth": 1,
    "smallest": 1,
}
"""The least value of each threshold."""


@dataclass(frozen=True, slots=True)
class VocabularyPolicy:
    """Thresholds of building a vocabulary; defaults are the paper's (appendix A.1.4) unless marked "ours".

    `categories` descriptors are first proposed for a group. A group of at least `split_threshold` items is split,
    into fewer descriptors if they would have under `per_descriptor` items on average (ours). Refinement is repeated,
    up to `max_refinement_cycles`, while at least `anomaly_threshold` items fit nothing and coverage is at most
    `coverage`; a round's uncovered items are grouped into at most `proposals` clusters (ours). An item continues to
    the next level in its `branching` best descriptors; 0: all that fit. `depth` limits the levels (3 to 6 in the
    paper). Descriptors with fewer than `smallest` items are dropped (ours).
    """

    categories: int = 15
    split_threshold: int = 30
    per_descriptor: int = 8
    max_refinement_cycles: int = 3
    anomaly_threshold: int = 20
    coverage: float = 0.95
    proposals: int = 10
    branching: int = 1
    depth: int = 6
    smallest: int = 2

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            given = getattr(self, name)
            if given < least:
                raise InputError(f"{name} is {given!r}; it must be at least {least}")
        if not 0 < self.coverage <= 1:
            raise InputError(f"coverage is {self.coverage!r}; it must be above 0 and at most 1")

    def divides(self, group: ItemGroup) -> bool:
        """Tell whether a group is split; the root group is, with at least two items."""
        least = self.split_threshold if group.key else 2
        return len(group.labels) >= least and group.depth < self.depth

    def wanted(self, group: ItemGroup) -> int:
        """Return how many descriptors are first proposed for a group."""
        return part_count(len(group.labels), 2 * self.per_descriptor, self.categories)

    def is_covered(self, items: int, uncovered: int) -> bool:
        """Tell whether few enough items of a group are uncovered to end refinement."""
        return uncovered < self.anomaly_threshold or (items - uncovered) / items > self.coverage

    def clusters(self, uncovered: int) -> int:
        """Return into how many clusters a round's uncovered items are grouped."""
        return min(self.proposals, max(1, round(uncovered / self.anomaly_threshold)))
