"""When a partition is small enough, and when a split of it is good enough."""

from dataclasses import dataclass

from taxonaut.state.building import Partition
from taxonaut.state.errors import InputError
from taxonaut.tools.clustering import parts_for


@dataclass(frozen=True, slots=True)
class BuildPolicy:
    """The thresholds of self-construction (XMC-Agent 2.2.1; the paper gives no values but for k-means, k = 16).

    `centres`: most centres of one partition; fewer where they would get less than half a terminal each.
    `terminal_size`: a partition with no more labels is a terminal node. `depth`: most levels below the root; what
    is larger there stays a terminal all the same. `overlap`: two centres are near-duplicates if the smaller one
    shares at least this much of its labels with the other. `swallow`: no centre may hold more of the labels than
    this. `other`: no more of them may fit no centre. `attempts`: splits tried before the labels are parted by
    their vectors instead. `examples`: labels kept with a node.
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
        """Refuse what no build can keep to."""
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
        """Say whether a partition is split no further."""
        return len(partition.labels) <= self.terminal_size or partition.depth >= self.depth

    def wanted(self, partition: Partition) -> int:
        """Return how many centres a partition is to get at most."""
        return parts_for(len(partition.labels), self.terminal_size, self.centres)
