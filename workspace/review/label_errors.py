"""Rank labelled items by how likely their labels are wrong.

An item's score is the odds of its likeliest other label against its given one, by experts that had not seen it, times
the odds of the vote of its nearest items against the given label (`wrong_odds`). Labels with few items are not put at
a disadvantage: their vote is measured by what it can be at most, the expert, who hardly knows them, counts less, and
how near the label's own text is counts more. Confident learning (cleanlab), equal texts, near duplicates and walks
give reasons besides.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.stores.ledger import Mark
from taxonaut.state.updates import as_one_stage
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.core.text_format import PATH_SIGN, clipped
from taxonaut.workspace.expert.experts import EXAMPLES, Experts, read_examples
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.review.confident_learning import confident_errors, is_installed
from taxonaut.workspace.review.held_out import HeldOut, LabelOdds, held_out_odds
from taxonaut.workspace.review.neighbours import CELLS, Neighbours, equal_texts, find_neighbours
from taxonaut.workspace.review.review_statements import apply_truths
from taxonaut.workspace.review.suspects import Suggestion, Suspect, paths_by_label

LEAST = 0.5
"""Score from which an item is listed."""

SLACK = 0.02
"""What is added to the votes for and against a label, so that neither is certain."""

SURE = 12.0
"""Bound of the log-odds of the expert alone."""

RARE = 20
"""Items of a label up to which its own text counts."""

NAME_WEIGHT = 2.0
"""How much a label's text counts, divided by the items of the label."""

EXPERT_PRIOR = 0.5
"""The expert's odds count c / (c + this) for a label with c items."""

FIRST_RANKS = 3
"""How flat the first ranks are of how near a right label's text is."""

NEAR_DUPLICATE = 0.97
"""Cosine from which two items are near duplicates."""

SUGGESTIONS = 5
"""Most labels that are suggested for an item."""

NEAR_VOTE = 0.2
"""How much the nearest items count for a suggestion, next to the expert."""

LEAST_CHANCE = 0.02
"""What a suggestion after the first has at least."""

MOST_COMPARED = 50_000
"""Most items, the likeliest errors first by the expert alone, that are compared with all others."""

SHOWN_TEXT = 60
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """Items whose labels are likely wrong, the likeliest first.

    `items` were ranked; `how` says by what; `notes` are messages for the user.
    """

    found: tuple[Suspect, ...]
    items: int
    how: str
    notes: tuple[str, ...] = ()


def find_label_errors(
    workspace: Core,
    rows: Sequence[ItemRow] | None = None,
    *,
    expert: int | None = None,
    least: float = LEAST,
    limit: int = 0,
) -> ErrorReport:
    """Rank labelled items, by default those that the newest expert was trained on, by how likely they are wrong.

    Items with a score of at least `least` are returned, at most `limit` of them (0: all). Raises InputError for
    items without labels, NotFoundError without items and expert.
    """
    workspace.check_has_labels()
    if not 0 <= least <= 1:
        raise InputError(f"the least score is {least:g}; give one from 0 to 1")
    notes: list[str] = []
    given, judged = apply_truths(workspace, training_rows(workspace, expert) if rows is None else rows)
    given = usable_rows(workspace, given, notes)
    with as_one_stage(
        "ranking", {"scoring labels": 4, "asking the expert": 1, "embedding": 2, "comparing items": 3}
    ):
        held_out = held_out_odds(workspace, given, expert)
        vectors = workspace.wiring.stored.lookup([row.item.text for row in given], "embedding")
        ranking = rank_errors(given, held_out.odds, vectors, name_odds(workspace, given, vectors))
    order = np.argsort(-ranking.scores, kind="stable")
    settled = {place for place, row in enumerate(given) if unit_key(row.item) in judged}
    if settled:
        notes.append(
            f"{len(settled):,} items that people have judged are not listed; their labels are what people say"
        )
    ranked = (int(place) for place in order if ranking.scores[place] >= least and int(place) not in settled)
    chosen = list(ranked)[: limit or None]
    confident = np.zeros(len(given), bool)
    if is_installed():
        confident = confident_errors(held_out.odds, [row.gold for row in given])
    else:
        notes.append(
            "confident learning was left out, as cleanlab is not installed (pip install 'taxonaut[review]')"
        )
    found = describe_errors(workspace, given, held_out, ranking, confident, chosen)
    return ErrorReport(tuple(found), len(given), held_out.how, tuple(notes))


def training_rows(workspace: Core, expert: int | None) -> list[ItemRow]:
    """Return the items that an expert was trained on. Raises NotFoundError."""
    experts = Experts(workspace)
    card = experts.card(expert)
    with experts.expert_file(card.number, EXAMPLES) as path:
        return [ItemRow(each.item, each.labels) for each in read_examples(path)]


def usable_rows(workspace: Core, rows: Sequence[ItemRow], notes: list[str]) -> list[ItemRow]:
    """Return the items with a text and labels of today, and note how many are left out. Raises InputError
    for none.
    """
    known = set(workspace.index.label_ids())
    present = [replace(row, gold=tuple(workspace.index.present(row.gold))) for row in rows]
    kept = [row for row in present if row.item.text.strip() and row.gold and known.issuperset(row.gold)]
    blank = sum(not row.item.text.strip() for row in present)
    without = sum(bool(row.item.text.strip()) and not row.gold for row in present)
    for count, what in (
        (blank, "without a text"),
        (without, "without a label"),
        (len(present) - len(kept) - blank - without, "with a label that the index does not have"),
    ):
        if count:
            notes.append(f"{count:,} items {what} left out")
    if not kept:
        raise InputError(
            f"none of {len(rows):,} items has a text and a label of this index ({'; '.join(notes) or 'no items'}); "
            "give labelled items (--labels-column names the column with the labels)"
        )
    return kept


@dataclass(frozen=True, slots=True)
class SameText:
    """Items with equal texts: how many, how many have each label, and how many each set of labels.

    `first` is the first item with each set of labels.
    """

    size: int
    labels: Counter[LabelId]
    sets: Counter[frozenset[LabelId]]
    first: Mapping[frozenset[LabelId], int]

    @classmethod
    def of(cls, places: Sequence[int], rows: Sequence[ItemRow]) -> "SameText":
        """Count the labels of some items."""
        sets = [frozenset(rows[place].gold) for place in places]
        first = dict(zip(reversed(sets), reversed(places), strict=True))
        return cls(len(places), Counter(label for each in sets for label in each), Counter(sets), first)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores (n,) of items, the given label that is likeliest wrong, the compared items and what they voted.

    `votes` (n,) is the share of the neighbours' votes for that label, NaN where an item was not compared.
    `row_of` finds an item's row of `neighbours`; `group_of` the items with the same text, where there are others.
    """

    scores: NDArray[np.float64]
    doubted: list[LabelId]
    votes: NDArray[np.float64]
    neighbours: Neighbours
    row_of: Mapping[int, int]
    group_of: Mapping[int, SameText]


def name_odds(workspace: Core, rows: Sequence[ItemRow], vectors: Matrix) -> dict[tuple[int, LabelId], float]:
    """Return the log-odds against rare labels by their own texts, for the place of an item and its label.

    Of a wrong label any rank among all labels is as likely, by the cosine of its text and the item's; of a right one
    rank r is as likely as 1 / (r + `FIRST_RANKS`). `vectors` (n, d) are the items' unit rows.
    """
    counts = Counter(label for row in rows for label in row.gold)
    rare = [place for place, row in enumerate(rows) if any(counts[label] <= RARE for label in row.gold)]
    texts = workspace.wiring.label_texts()
    if not rare or len(texts) < 2:
        return {}
    column = {label: place for place, label in enumerate(texts)}
    names = workspace.wiring.stored.lookup(list(texts.values()), "embedding")
    whole = np.log((len(texts) + FIRST_RANKS) / FIRST_RANKS)
    found = {}
    block = max(1, CELLS // len(texts))
    for start in range(0, len(rare), block):
        places = rare[start : start + block]
        cosines = vectors[places] @ names.T
        for place, row in zip(places, cosines, strict=True):
            for label in rows[place].gold:
                if counts[label] <= RARE and label in column:
                    rank = int((row > row[column[label]]).sum())
                    found[place, label] = float(np.log((rank + FIRST_RANKS) * whole / len(texts)))
    return found


def rank_errors(
    rows: Sequence[ItemRow],
    odds: Sequence[LabelOdds | None],
    vectors: Matrix,
    names: Mapping[tuple[int, LabelId], float],
) -> Ranking:
    """Score items (0 to 1) by how likely a given label of theirs is wrong.

    `vectors` (n, d) are unit rows, `names` is what `name_odds` returns.
    """
    counts = Counter(label for row in rows for label in row.gold)
    alone = np.array([max(expert_odds(row, each).values()) for row, each in zip(rows, odds, strict=True)])
    compared = np.sort(np.argsort(-alone, kind="stable")[:MOST_COMPARED])
    neighbours = find_neighbours(vectors, compared)
    weights = neighbours.weights()
    row_of = {int(place): row for row, place in enumerate(compared)}
    scores, votes, doubted = np.zeros(len(rows)), np.full(len(rows), np.nan), list[LabelId]()
    for place, (row, each) in enumerate(zip(rows, odds, strict=True)):
        by_label = expert_odds(row, each)
        at = row_of.get(place)
        shares = dict.fromkeys(row.gold, np.nan)
        if at is not None and len(rows) > 1:
            shares = vote_shares(row.gold, rows, neighbours.places[at], weights[at], counts)
        wrong = {
            label: wrong_odds(by_label[label], shares[label], names.get((place, label), 0.0), counts[label])
            for label in row.gold
        }
        worst = max(row.gold, key=lambda label: wrong[label])
        doubted.append(worst)
        votes[place] = shares[worst]
        scores[place] = 1 / (1 + np.exp(-wrong[worst]))
    group_of: dict[int, SameText] = {}
    for places in equal_texts([row.item.text for row in rows]):
        group = SameText.of(places, rows)
        for place in places:
            group_of[place] = group
            scores[place] = max(scores[place], 1 - group.labels[doubted[place]] / group.size)
    return Ranking(scores, doubted, votes, neighbours, row_of, group_of)


def expert_odds(row: ItemRow, odds: LabelOdds | None) -> dict[LabelId, float]:
    """Return for each given label the log-odds of the likeliest label that is not given against it."""
    if odds is None:
        return dict.fromkeys(row.gold, 0.0)
    best = max((log for label, log in odds.logs.items() if label not in row.gold), default=odds.most)
    return {label: float(np.clip(best - odds.log(label), -SURE, SURE)) for label in row.gold}


def vote_shares(
    labels: Sequence[LabelId],
    rows: Sequence[ItemRow],
    places: NDArray[np.int64],
    weights: NDArray[np.float32],
    counts: Mapping[LabelId, int],
) -> dict[LabelId, float]:
    """Return the share of the neighbours' votes for each label, of what its number of items allows.

    NaN for a label that no other item has.
    """
    found = {}
    for label in labels:
        most = min(counts[label] - 1, len(places)) / len(places)
        share = sum(
            float(weight)
            for place, weight in zip(places.tolist(), weights, strict=True)
            if label in rows[place].gold
        )
        found[label] = min(1.0, share / most) if most > 0 else np.nan
    return found


def wrong_odds(expert: float, vote: float, name: float, count: int) -> float:
    """Return the log-odds that a label with `count` items is wrong.

    They are the expert's, those of the neighbours' vote for it (NaN: none), and, for rare labels, those of its text.
    """
    found = expert * count / (count + EXPERT_PRIOR) + NAME_WEIGHT / count * name
    if np.isnan(vote):
        return found
    return found + float(np.log(1 - vote + SLACK) - np.log(vote + SLACK))


def describe_errors(
    workspace: Core,
    rows: Sequence[ItemRow],
    held_out: HeldOut,
    ranking: Ranking,
    confident: NDArray[np.bool_],
    chosen: Sequence[int],
) -> list[Suspect]:
    """Return the chosen items with suggestions, reasons and evidence."""
    suggested = {place: suggest(rows, held_out.odds[place], ranking, place) for place in chosen}
    walked = walk_errors(workspace, [rows[place] for place in chosen])
    named = {label for place in chosen for label in (*suggested[place], *rows[place].gold)} | set(
        walked.values()
    )
    for place in chosen:
        if place in ranking.group_of:
            named.update(ranking.group_of[place].labels)
        at = ranking.row_of.get(place)
        near = ranking.neighbours.places[at].tolist() if at is not None else ()
        named.update(label for other in near if other >= 0 for label in rows[other].gold)
    paths = paths_by_label(workspace.index, sorted(named))
    found = []
    for place in chosen:
        row, odds = rows[place], held_out.odds[place]
        reasons, evidence = explain_error(rows, odds, ranking, place, paths)
        answered = walked.get(unit_key(row.item))
        if answered is not None and answered not in row.gold:
            agrees = suggested[place] and suggested[place][0] == answered
            reasons.append(
                f"a walk answers {last(paths, answered)}{', too' if agrees else ''}, and misses the label"
            )
            evidence["walk"] = str(answered)
        if confident[place]:
            reasons.append("confident learning (cleanlab) counts the label as wrong")
            evidence["confident_learning"] = True
        suggestions = tuple(
            Suggestion(
                label, paths[label], None if odds is None or label not in odds.logs else chance(odds, label)
            )
            for label in suggested[place]
        )
        given = tuple(paths[label] for label in row.gold)
        score = float(ranking.scores[place])
        found.append(Suspect(row.item, row.gold, given, suggestions, score, tuple(reasons), evidence))
    return found


def walk_errors(workspace: Core, rows: Sequence[ItemRow]) -> dict[str, LabelId]:
    """Return the first answers of walks that missed all labels of their items, by unit key, from the ledger."""
    latest: dict[str, list[Mark]] = {}
    for mark in workspace.ledger.marks(units=[unit_key(row.item) for row in rows]):
        former = latest.get(mark.unit, [])
        latest[mark.unit] = [*former, mark] if former and former[0].run == mark.run else [mark]
    found = {}
    known = set(workspace.index.label_ids())
    for unit, marks in latest.items():
        first = next((each.label for each in marks if each.label is not None and each.place == 1), None)
        hit = any(each.mark == "hit" and each.label is not None for each in marks)
        if first in known and not hit and first is not None:
            found[unit] = first
    return found


def chance(odds: LabelOdds, label: LabelId) -> float:
    """Return a label's probability, rounded for tables."""
    return round(float(np.exp(odds.log(label))), 4)


def suggest(rows: Sequence[ItemRow], odds: LabelOdds | None, ranking: Ranking, place: int) -> list[LabelId]:
    """Return the labels that may be right, the likeliest first, by the expert, equal texts and the nearest items."""
    own = set(rows[place].gold)
    found: dict[LabelId, float] = {}
    for label, log in odds.logs.items() if odds is not None else ():
        found[label] = float(np.exp(log))
    at = ranking.row_of.get(place)
    if at is not None and len(rows) > 1:
        near = zip(ranking.neighbours.places[at].tolist(), ranking.neighbours.weights()[at], strict=True)
        for other, weight in near:
            for label in rows[other].gold:
                found[label] = found.get(label, 0.0) + NEAR_VOTE * float(weight)
    group = ranking.group_of.get(place)
    if group is not None:
        for label, count in group.labels.items():
            found[label] = found.get(label, 0.0) + count / group.size
    ranked = sorted((label for label in found if label not in own), key=lambda label: -found[label])
    return [
        label
        for number, label in enumerate(ranked[:SUGGESTIONS])
        if not number or found[label] >= LEAST_CHANCE
    ]


def explain_error(
    rows: Sequence[ItemRow],
    odds: LabelOdds | None,
    ranking: Ranking,
    place: int,
    paths: Mapping[LabelId, tuple[str, ...]],
) -> tuple[list[str], dict[str, Any]]:
    """Return the reasons against an item's label, and the figures behind them."""
    row, doubted = rows[place], ranking.doubted[place]
    reasons: list[str] = []
    evidence: dict[str, Any] = {"doubted": str(doubted)}
    if odds is not None and odds.logs:
        best = next((label for label in odds.logs if label not in row.gold), None)
        evidence["given_probability"] = chance(odds, doubted)
        if best is not None:
            evidence["best_probability"] = chance(odds, best)
            if odds.logs[best] > odds.log(doubted):
                reasons.append(
                    f"an expert that had not seen it gives {percent(chance(odds, best))} to {last(paths, best)} and "
                    f"{percent(chance(odds, doubted))} to {last(paths, doubted)}"
                )
    group = ranking.group_of.get(place)
    own = frozenset(row.gold)
    if group is not None and len(group.sets) > 1:
        others = [labels for labels in group.sets if labels != own]
        count, many = group.size - group.sets[own], group.size - 1
        held = sorted({last(paths, label) for labels in others for label in labels})
        more = f" and {len(held) - MOST_NAMED:,} more" if len(held) > MOST_NAMED else ""
        example = rows[group.first[others[0]]].item.id
        reasons.append(
            f"{count:,} of {many:,} other item{'' if many == 1 else 's'} with the same text "
            f"{'has' if count == 1 else 'have'} {', '.join(held[:MOST_NAMED])}{more} ({example})"
        )
        evidence["same_text"] = str(example)
    at = ranking.row_of.get(place)
    if at is not None:
        near, cosines = ranking.neighbours.places[at].tolist(), ranking.neighbours.near[at].tolist()
        twins = [
            (other, cosine)
            for other, cosine in zip(near, cosines, strict=True)
            if cosine >= NEAR_DUPLICATE
            and not own & set(rows[other].gold)
            and (group is None or ranking.group_of.get(other) is not group)
        ]
        if twins:
            other, cosine = twins[0]
            reasons.append(
                f"nearly the same text (cosine {cosine:.2f}) has {last(paths, rows[other].gold[0])}: "
                f"“{clipped(' '.join(rows[other].item.text.split()), SHOWN_TEXT)}” ({rows[other].item.id})"
            )
            evidence["near_duplicate"] = str(rows[other].item.id)
        same = sum(doubted in rows[other].gold for other in near)
        evidence["neighbours"] = f"{same} of {len(near)}"
        if near and same <= len(near) // 2:
            reasons.append(f"{same} of its {len(near)} nearest items have the label {last(paths, doubted)}")
    return reasons, evidence


def percent(share: float) -> str:
    """Write a share in per cent."""
    return f"{100 * share:.0f} %" if share >= 0.01 else "less than 1 %"


def last(paths: Mapping[LabelId, tuple[str, ...]], label: LabelId) -> str:
    """Return a label's name with the one above it, in quotes."""
    return f"“{PATH_SIGN.join(paths[label][-2:])}”"
