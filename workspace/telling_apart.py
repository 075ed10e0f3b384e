"""Tell items of one path apart by what else fits them, before a resolver has to."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.vocabulary import Tagging

MOST_TRIED = 12
"""Further descriptors of an item among which its own are chosen, the best ones."""


def told_apart(taggings: Sequence[Tagging], further: int) -> dict[ItemId, tuple[NodeId, ...]]:
    """Choose `further` of each item's further descriptors, best first, so that items of one path differ.

    An item takes the best combination (the least sum of ranks) that no item before it with the same path has;
    where all are taken, its best. So an item's choice does not depend on items that come after it. Those of its
    path are left out.
    """
    taken: set[tuple[tuple[NodeId, ...], tuple[NodeId, ...]]] = set()
    found = {}
    for tagging in taggings:
        others = [node for node in dict.fromkeys(tagging.others) if node not in tagging.path][:MOST_TRIED]
        choices = (tuple(others[place] for place in places) for places in ways(len(others), further))
        best = tuple(others[:further])
        chosen = next((choice for choice in choices if (tagging.path, choice) not in taken), best)
        taken.add((tagging.path, chosen))
        found[tagging.item_id] = chosen
    return found


@lru_cache
def ways(count: int, further: int) -> list[tuple[int, ...]]:
    """List the ways to take so many of `count` ranks (all, if there are fewer), the least sum first."""
    return sorted(combinations(range(count), min(further, count)), key=sum)
