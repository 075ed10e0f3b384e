"""How a vocabulary is built: the thresholds of AgenticTagger's algorithms 1 and 2."""

from dataclasses import dataclass

from taxonaut.state.errors import InputError
from taxonaut.state.refining import ItemGroup
from taxonaut.tools.clustering import parts_for

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
"""What each threshold must be at least."""


@dataclass(frozen=True, slots=True)
class VocabularyPolicy:
    """Thresholds, with the paper's values (appendix A.1.4) unless it is said otherwise.

    `categories` are proposed for a group at first. A group of at least `split_threshold` items is divided; into
    fewer descriptors where they would have under `per_descriptor` items on average (ours). A round of refinement
    follows another, up to `max_refinement_cycles`, while at least `anomaly_threshold` items fit nothing and
    coverage is at most `coverage`; all of a round's uncovered items make at most `proposals` clusters (ours).
    `branching` descriptors of an item are gone on with, the best first; 0: all that fit. `depth` bounds the
    levels (the paper has 3 to 6). A descriptor with fewer than `smallest` items is left out (ours).
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
        """Whether a group is divided: all items always, if there are two."""
        least = self.split_threshold if group.key else 2
        return len(group.labels) >= least and group.depth < self.depth

    def wanted(self, group: ItemGroup) -> int:
        """How many descriptors are proposed for a group at first."""
        return parts_for(len(group.labels), 2 * self.per_descriptor, self.categories)

    def is_covered(self, items: int, uncovered: int) -> bool:
        """Whether so few items of a group fit nothing that it needs no further round."""
        return uncovered < self.anomaly_threshold or (items - uncovered) / items > self.coverage

    def clusters(self, uncovered: int) -> int:
        """How many clusters a round's uncovered items make."""
        return min(self.proposals, max(1, round(uncovered / self.anomaly_threshold)))
