"""How far a walk goes, how scores run down a path, and what the terminal budget keeps."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from taxonaut.state.errors import InputError
from taxonaut.state.ids import NodeId

ShortlistSource = Literal["tree", "dense", "both"]


@dataclass(frozen=True, slots=True)
class WalkPolicy:
    """How far a walk goes and what it hands to the ranking.

    `shortlist`: labels from the walk, from exact dense retrieval, or both joined. `terminals`: the walk of an
    item stops after this many terminal nodes (20 in XMC-Agent, appendix B); no level holds more open branches
    than are left of it. `dense`: labels dense retrieval adds. `candidates`: most labels shown to the general
    expert, the best by the retriever's score; 0 shows all. `inherit`: how much of a branch's score is its
    parent's: score = inherit * parent + (1 - inherit) * own.
    """

    shortlist: ShortlistSource = "both"
    terminals: int = 20
    dense: int = 100
    candidates: int = 0
    inherit: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what cannot be walked."""
        if self.shortlist not in ("tree", "dense", "both"):
            raise InputError(f"shortlist is {self.shortlist!r}; it may be 'tree', 'dense' or 'both'")
        if self.terminals < 1 or self.dense < 1:
            raise InputError(
                f"terminals and dense are at least 1; they are {self.terminals} and {self.dense}"
            )
        if self.candidates < 0 or not 0 <= self.inherit <= 1:
            raise InputError(
                f"candidates is at least 0 and inherit from 0 to 1; they are {self.candidates} and {self.inherit}"
            )

    def path_score(self, parent: float, own: float) -> float:
        """Return a branch's score: its own, and its parent's."""
        return self.inherit * parent + (1 - self.inherit) * own

    def kept(
        self, branches: Mapping[NodeId, float], reached: int, opened: Collection[NodeId]
    ) -> list[tuple[NodeId, float]]:
        """Keep as many branches of a level, best first, as the budget still allows; none is opened twice."""
        left = max(self.terminals - reached, 0)
        new = [pair for pair in branches.items() if pair[0] not in opened]
        return sorted(new, key=lambda pair: (-pair[1], pair[0]))[:left]
