"""How far a walk goes and in which order, how scores run down a path, and what is kept of a level's branches."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from taxonaut.state.errors import InputError
from taxonaut.state.ids import NodeId
from taxonaut.state.navigation import Reason

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
    """How far a walk goes and what it hands to the ranking (XMC-Agent, 2.1 and appendix B).

    `shortlist`: labels from the walk, from exact dense retrieval, or both joined.
    `order`: `breadth` opens a level at a time; `depth` keeps a stack, the best branch on top, and opens one
    node at a time.
    `terminals`: the walk of an item stops after this many terminal nodes (20 in the paper). Breadth-first, no
    level holds more open branches than are left of it.
    `beam`: most branches an item keeps of one step, best first: of a whole level, or, depth-first, of one
    node; 0 sets no bound. `threshold`: branches whose path score is lower stay closed; None closes none.
    `ancestors`: ancestor augmentation. True shows and compares a branch as its path `Arts > Dance`, False by
    its name `Dance`; None is the navigator's own habit: paths in the person's own tree (a prompt says the
    path once, above the branches), names in a tree that was built.
    `start`: `root`, or `anchored`: at the nodes that hold the `anchors` labels that dense retrieval scores
    best. From there the navigator is asked about their parents' branches, level by level up to the root, and
    below what it opens. Anchored nodes are not counted in `terminals`.
    `dense`: labels dense retrieval adds. `candidates`: most labels shown to the general expert, the best by
    the retriever's score; 0 shows all.
    `inherit`: how much of a score is the parent's: score = inherit * parent + (1 - inherit) * own.
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
        """Refuse what cannot be walked."""
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                said = ", ".join(map(repr, allowed[:-1])) + f" or {allowed[-1]!r}"
                raise InputError(f"{name} is {getattr(self, name)!r}; it may be {said}")
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; it is at least {least}")
        if not 0 <= self.inherit <= 1:
            raise InputError(f"inherit is {self.inherit}; it is a share: give a number from 0 to 1")

        if self.threshold is not None and not isfinite(self.threshold):
            raise InputError(f"threshold is {self.threshold}; give a score, or None to close no branch")

    @property
    def needs_retriever(self) -> bool:
        """Whether labels are compared by vectors, whatever the models do."""
        return self.shortlist != "tree" or self.candidates > 0 or self.start == "anchored"

    def path_score(self, parent: float, own: float) -> float:
        """Return a branch's score: its own, and its parent's."""
        return self.inherit * parent + (1 - self.inherit) * own

    def kept(
        self, branches: Mapping[NodeId, float], reached: int, opened: Collection[NodeId]
    ) -> tuple[list[NodeId], dict[NodeId, Reason]]:
        """Choose which branches of one step to open, best first; say of the others why not.

        None is opened twice. Equal scores go by node, the older first.
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
