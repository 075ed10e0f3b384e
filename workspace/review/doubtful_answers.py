"""Find answers that are worth a person's look: a low probability, a small margin, or two methods that disagree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taxonaut.state.records import Item, ItemResult, Prediction
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.review.label_errors import last, percent
from taxonaut.workspace.review.label_next import label_odds
from taxonaut.workspace.review.suspects import Suggestion, Suspect, paths_by_label

LOW = 0.5
"""Probability of the first label below which it is doubtful."""

NARROW = 0.1
"""Difference of the two best probabilities below which an answer is doubtful."""

SUGGESTIONS = 6


@dataclass(frozen=True, slots=True)
class DoubtReport:
    """The doubtful answers, the most doubtful first, among so many items; `how` names the second method."""

    found: tuple[Suspect, ...]
    items: int
    how: str
    notes: tuple[str, ...] = ()


def find_doubts(
    workspace: Core, items: Sequence[Item], results: Sequence[ItemResult], *, expert: int | None = None
) -> DoubtReport:
    """Return the items whose walk was unsure, or whose second method has another first label.

    The second method is the newest expert, or nearness of vectors where there is none. An item's score is half the
    probability, by the walk, that its first label is wrong, and one half more where the two methods disagree.
    """
    answered = [(item, each) for item, each in zip(items, results, strict=True) if each.labels]
    notes = [f"items without any label: {len(items) - len(answered):,}"] if len(answered) < len(items) else []
    if not answered:
        return DoubtReport((), len(items), "", tuple(notes))
    texts = [item.text for item, _ in answered]
    vectors = workspace.wiring.stored.lookup(texts, "embedding")
    labels, odds, how = label_odds(workspace, Experts(workspace), expert, texts, vectors)
    best = np.argsort(-odds.astype(np.float32), axis=1, kind="stable")[:, :2]
    seconds = [labels[place] for place in best[:, 0]]
    paths = paths_by_label(workspace.index, sorted({*seconds}))
    found = []
    for number, (item, result) in enumerate(answered):
        second = Suggestion(
            seconds[number], paths[seconds[number]], round(float(odds[number, best[number, 0]]), 4)
        )
        suspect = _doubt(item, result.labels, second, how)
        if suspect is not None:
            found.append(suspect)
    found.sort(key=lambda each: -each.score)
    return DoubtReport(tuple(found), len(items), how, tuple(notes))


def _doubt(item: Item, labels: Sequence[Prediction], second: Suggestion, how: str) -> Suspect | None:
    """Return an item with its reasons, None where nothing speaks against its first label."""
    first, next_score = labels[0], labels[1].score if len(labels) > 1 else 0.0
    named = {each.label_id: each.path for each in labels} | {second.label: second.path}
    margin = first.score - next_score
    reasons = []
    disagree = second.label != first.label_id
    if first.score < LOW:
        reasons.append(f"low confidence: {percent(first.score)} for {last(named, first.label_id)}")
    if margin < NARROW and len(labels) > 1:
        reasons.append(
            f"a small margin: {percent(next_score)} for {last(named, labels[1].label_id)}, "
            f"{percent(first.score)} for {last(named, first.label_id)}"
        )
    if disagree:
        reasons.append(
            f"methods disagree: the walk says {last(named, first.label_id)}, {how} {last(named, second.label)}"
        )
    if not reasons:
        return None
    suggested = {each.label_id: Suggestion(each.label_id, each.path, round(each.score, 4)) for each in labels}
    suggested.setdefault(second.label, second)
    wrong = min(1.0, max(0.0, 1 - first.score))
    score = (1 + wrong) / 2 if disagree else wrong / 2
    evidence = {"probability": round(first.score, 4), "margin": round(margin, 4), "second": str(second.label)}
    chosen: list[Suggestion] = list(suggested.values())
    if disagree and len(chosen) > SUGGESTIONS:
        others = [each for each in chosen if each.label != second.label]
        chosen = [*others[: SUGGESTIONS - 1], suggested[second.label]]
    return Suspect(item, (), (), tuple(chosen[:SUGGESTIONS]), score, tuple(reasons), evidence)
