"""Choose which items to label next: those from which most is learned.

Items are chosen one by one. What an item gains is a product: how uncertain it is (the margin of the two likeliest
labels), how typical it is of the items without labels (density: the mean cosine to its nearest, squared), and how far
it is from all that is labelled or chosen already (farthest first, so that a batch is diverse and new clusters come
in). Outliers, which farthest-first alone would choose, are not typical; items like one another are chosen once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item
from taxonaut.state.updates import Progress, as_one_stage, tell
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.expert.experts import EXAMPLES, Experts, read_examples
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.review.label_errors import last, percent
from taxonaut.workspace.review.neighbours import NEAREST, find_neighbours
from taxonaut.workspace.review.suspects import Suggestion, Suspect, paths_by_label
from taxonaut.workspace.walk.labelled_items import labelled_rows

FEW = 2
"""Labelled items of a label up to which it is one with few."""

FAR = 0.5
"""Cosine to the nearest labelled item below which an item is of a new kind."""

SUGGESTIONS = 5
AT_ONCE = 512

HEAT = 0.05
"""The difference of cosines to labels at which a label is a factor e less likely, where there is no expert."""

MOST_COMPARED = 30_000
"""Most items, the most uncertain ones, among which is chosen."""


@dataclass(frozen=True, slots=True)
class NextReport:
    """The chosen items, the most useful first, out of so many without labels; `how` says by what they were judged."""

    found: tuple[Suspect, ...]
    items: int
    labelled: int
    how: str
    notes: tuple[str, ...] = ()


def find_next_items(
    workspace: Core, rows: Sequence[ItemRow], count: int, *, expert: int | None = None
) -> NextReport:
    """Choose `count` of the items that have no labels yet, the most useful to label first.

    Labelled are the items that the newest expert was trained on, those that the ledger knows labels of, and those of
    `rows` with labels. Raises InputError for a workspace without labels, and where no item lacks labels.
    """
    workspace.check_has_labels()
    if count < 1:
        raise InputError(f"{count} items to label; give a number from 1")
    experts = Experts(workspace)
    known = known_items(workspace, experts, expert, rows)
    truths = workspace.ledger.truths([unit_key(row.item) for row in rows])
    open_items: dict[str, Item] = {}
    for row in rows:
        text = row.item.text.strip()
        said = truths.get(unit_key(row.item))
        if (
            text
            and not row.gold
            and text not in known
            and not (said is not None and (said.right or said.complete))
        ):
            open_items.setdefault(text, row.item)
    if not open_items:
        raise InputError(
            f"all of {len(rows):,} items are labelled already, or have no text; give items without labels"
        )
    items, texts = list(open_items.values()), list(open_items)
    stages = {"embedding": 3, "asking the expert": 2, "comparing items": 3, "choosing": 2}
    with as_one_stage("choosing items", stages):
        vectors = workspace.wiring.stored.lookup([*texts, *known], "embedding")
        labels, odds, how = label_odds(workspace, experts, expert, texts, vectors[: len(texts)])
        chosen, parts = choose_items(odds, vectors[: len(texts)], vectors[len(texts) :], count)
    counts = Counter(label for given in known.values() for label in given)
    found = describe_next(workspace, items, labels, odds, chosen, parts, counts, bool(known))
    notes = (f"only {len(items):,} items have no labels",) if len(items) < count else ()
    return NextReport(tuple(found), len(items), len(known), how, notes)


def known_items(
    workspace: Core, experts: Experts, expert: int | None, rows: Sequence[ItemRow]
) -> dict[str, tuple[LabelId, ...]]:
    """Return the texts that have labels, with these: of the expert's training, of the ledger, and of the rows."""
    found: dict[str, tuple[LabelId, ...]] = {}
    if expert is not None or experts.numbers():
        card = experts.card(expert)
        with experts.expert_file(card.number, EXAMPLES) as path:
            found |= {each.item.text.strip(): each.labels for each in read_examples(path)}
    found |= {row.item.text.strip(): row.gold for row in rows if row.gold and row.item.text.strip()}
    found |= {row.item.text.strip(): row.gold for row in labelled_rows(workspace)}
    return {text: workspace.index.present(labels) for text, labels in found.items()}


def label_odds(
    workspace: Core, experts: Experts, expert: int | None, texts: Sequence[str], vectors: Matrix
) -> tuple[Sequence[LabelId], Matrix, str]:
    """Return labels and their probabilities (n, C): by the expert, else by the vectors of labels."""
    if expert is not None or experts.numbers():
        card = experts.card(expert)
        classifier = experts.classifier(card.number)
        parts = []
        for start in range(0, len(texts), AT_ONCE):
            parts.append(classifier.probabilities(texts[start : start + AT_ONCE]).astype(np.float16))
            tell(Progress("asking the expert", min(start + AT_ONCE, len(texts)), len(texts)))
        return classifier.labels, np.concatenate(parts), f"expert {card.number}"
    names = workspace.wiring.label_texts()
    cosines = vectors @ workspace.wiring.stored.lookup(list(names.values()), "embedding").T
    odds = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / HEAT)
    return list(names), odds / odds.sum(axis=1, keepdims=True), "the embedder (no expert yet)"


@dataclass(frozen=True, slots=True)
class GainParts:
    """What makes the gain of each item (n,): its uncertainty, how typical it is, and its nearest labelled cosine."""

    doubt: NDArray[np.float32]
    typical: NDArray[np.float32]
    known: NDArray[np.float32]


def choose_items(
    odds: Matrix, vectors: Matrix, labelled: Matrix, count: int
) -> tuple[list[tuple[int, float]], GainParts]:
    """Choose `count` of n items greedily; return their places with what each gains (0 to 1), and the parts.

    `odds` (n, C) are probabilities of labels, `vectors` (n, d) and `labelled` (m, d) unit rows.
    """
    best = (
        np.sort(np.partition(odds, -2, axis=1)[:, -2:], axis=1).astype(np.float32)
        if odds.shape[1] > 1
        else None
    )
    doubt = 1 - (best[:, 1] - best[:, 0]) if best is not None else np.ones(len(odds), np.float32)
    pool = np.sort(np.argsort(-doubt, kind="stable")[:MOST_COMPARED])
    near = find_neighbours(vectors, pool, pool, NEAREST).near
    typical = np.zeros(len(odds), np.float32)
    typical[pool] = np.clip(near.mean(axis=1), 0, 1) if len(pool) > 1 else 1.0
    known = np.full(len(odds), -1, np.float32)
    for start in range(0, len(pool), AT_ONCE) if len(labelled) else ():
        rows = pool[start : start + AT_ONCE]
        known[rows] = (vectors[rows] @ labelled.T).max(axis=1)
    weight = np.zeros(len(odds), np.float32)
    weight[pool] = np.maximum(doubt[pool], 1e-3) * np.maximum(typical[pool], 1e-2) ** 2
    apart = 1 - np.maximum(known, 0)
    chosen: list[tuple[int, float]] = []
    left = np.zeros(len(odds), bool)
    left[pool] = True
    for number in range(min(count, len(pool))):
        gains = np.where(left, weight * apart, -1)
        place = int(gains.argmax())
        chosen.append((place, float(np.clip(gains[place], 0, 1))))
        left[place] = False
        apart = np.minimum(apart, np.maximum(1 - vectors @ vectors[place], 0))
        tell(Progress("choosing", number + 1, count))
    return chosen, GainParts(doubt, typical, known)


def describe_next(
    workspace: Core,
    items: Sequence[Item],
    labels: Sequence[LabelId],
    odds: Matrix,
    chosen: Sequence[tuple[int, float]],
    parts: GainParts,
    counts: Mapping[LabelId, int],
    any_known: bool,
) -> list[Suspect]:
    """Return the chosen items with suggestions and reasons; scores are shares of the largest gain."""
    places = [place for place, _ in chosen]
    best = np.argsort(-odds[places].astype(np.float32), axis=1, kind="stable")[:, :SUGGESTIONS]
    paths = paths_by_label(workspace.index, sorted({labels[each] for row in best.tolist() for each in row}))
    most = max((gain for _, gain in chosen), default=0.0) or 1.0
    found = []
    for (place, gain), row in zip(chosen, best.tolist(), strict=True):
        chances = [round(float(odds[place, each]), 4) for each in row]
        suggestions = tuple(
            Suggestion(labels[each], paths[labels[each]], chance)
            for each, chance in zip(row, chances, strict=True)
        )
        first = suggestions[0]
        reasons = []
        if len(suggestions) > 1 and parts.doubt[place] > 0.5:
            reasons.append(
                f"uncertain: {percent(chances[0])} for {last(paths, first.label)}, {percent(chances[1])} for "
                f"{last(paths, suggestions[1].label)}"
            )
        if any_known and counts.get(first.label, 0) <= FEW:
            has = counts.get(first.label, 0)
            few = "no labelled item" if not has else f"only {has} labelled item{'' if has == 1 else 's'}"
            reasons.append(f"{few} of {last(paths, first.label)}, its likeliest label")
        if any_known and parts.known[place] < FAR:
            reasons.append(
                f"of a new kind: the nearest labelled item has a cosine of {parts.known[place]:.2f}"
            )
        reasons = reasons or ["typical of items without labels, and unlike those that are labelled or chosen"]
        evidence = {
            "margin": round(float(1 - parts.doubt[place]), 4),
            "typical": round(float(parts.typical[place]), 4),
            "nearest_labelled": round(float(parts.known[place]), 4),
            "labelled_of_likeliest": counts.get(first.label, 0),
        }
        found.append(Suspect(items[place], (), (), suggestions, gain / most, tuple(reasons), evidence))
    return found
