"""Shortlists of labels as questions: items with the same candidates share one."""

from collections.abc import Callable, Iterable, Sequence

from taxonaut.agents.asking import Question
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item

Shortlist = tuple[Item, Sequence[LabelId]]


def questions(
    shortlists: Iterable[Shortlist], question: Callable[[tuple[LabelId, ...]], Question[LabelId]]
) -> list[tuple[Item, Question[LabelId]]]:
    """Put each item before the question over its candidates, written once for each set; an empty one is left out.

    The candidates reach `question` sorted by id: in which order they came says nothing to the model.
    """
    shared: dict[tuple[LabelId, ...], Question[LabelId]] = {}
    pairs = []
    for item, candidates in shortlists:
        if candidates:
            key = tuple(sorted(candidates))
            if key not in shared:
                shared[key] = question(key)
            pairs.append((item, shared[key]))
    return pairs
