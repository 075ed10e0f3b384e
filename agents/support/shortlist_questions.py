"""Build questions from shortlists; items with the same candidates share one."""

from collections.abc import Callable, Iterable, Sequence

from taxonaut.agents.asking import Question
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item

Shortlist = tuple[Item, Sequence[LabelId]]


def build_questions(
    shortlists: Iterable[Shortlist], build: Callable[[tuple[LabelId, ...]], Question[LabelId]]
) -> list[tuple[Item, Question[LabelId]]]:
    """Pair each item with the question about its candidates; empty shortlists are left out.

    `build` is called once for each set of candidates, sorted by id, so that their order carries no information.
    """
    shared: dict[tuple[LabelId, ...], Question[LabelId]] = {}
    pairs = []
    for item, candidates in shortlists:
        if candidates:
            key = tuple(sorted(candidates))
            if key not in shared:
                shared[key] = build(key)
            pairs.append((item, shared[key]))
    return pairs
