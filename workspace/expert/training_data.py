"""Training data of a domain expert: labelled products, checked and split into a train and a dev part."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.item_files import ItemRow


@dataclass(frozen=True, slots=True)
class Example:
    """A product with its categories; several share the weight. `popularity` is 0 if unknown."""

    item: Item
    labels: tuple[LabelId, ...]
    popularity: float = 0.0


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A train part and a dev part, which may be empty; no text is in both.

    `labels` are the categories in import order: leaves of the index, and inner labels that have products. `notes`
    are messages for the user. `summary` goes to the model card.
    """

    labels: tuple[LabelId, ...]
    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    notes: tuple[str, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)


def prepare_training_data(
    workspace: Core,
    rows: Sequence[ItemRow],
    dev_rows: Sequence[ItemRow] | None = None,
    *,
    share: float | None,
    seed: int,
    skip_unknown: bool = False,
) -> TrainingData:
    """Check labelled products and split them; without `dev_rows`, about `share` of them become the dev part.

    Without `dev_rows` and `share` there is no dev part (for cross-validation). The split is random by `seed` and
    stratified by category; see `split_train_dev`. Products without a text or category are left out,
    with `skip_unknown` those of unknown categories too. Raises InputError for a category that is not in the
    index, and for too few products.
    """
    workspace.check_has_labels()
    known = workspace.index.label_ids()
    reading = ExampleReader(workspace.index, set(known), skip_unknown)
    train = reading.examples(rows)
    check_enough(train, reading)
    dev: list[Example] = []
    if dev_rows is not None:
        dev = drop_seen(reading.examples(dev_rows, " of the dev part"), train, reading)
    elif share is not None:
        train, dev = split_train_dev(train, share, seed)
    inner = inner_labels(workspace.index)
    used = {label for example in (*train, *dev) for label in example.labels}
    labels = tuple(label for label in known if label not in inner or label in used)
    summary = summarize(labels, train, dev, inner, given=dev_rows is not None)
    notes = (*reading.notes, *describe_summary(summary))
    return TrainingData(labels, tuple(train), tuple(dev), notes, {**summary, "notes": list(notes)})


class ExampleReader:
    """Converts rows to examples, and notes those left out."""

    def __init__(self, index: Index, known: set[LabelId], skip_unknown: bool) -> None:
        self.index = index
        self.known = known
        self.skip_unknown = skip_unknown
        self.notes: list[str] = []

    def examples(self, rows: Iterable[ItemRow], where: str = "") -> list[Example]:
        """Return the usable products, in order."""
        kept: list[Example] = []
        blank = without = 0
        unknown: list[tuple[ItemRow, LabelId]] = []
        for given in rows:
            row = replace(given, gold=self.index.present(given.gold))
            if not row.item.text.strip():
                blank += 1
            elif not row.gold:
                without += 1
            elif (
                missing := next((label for label in row.gold if label not in self.known), None)
            ) is not None:
                unknown.append((row, missing))
            else:
                kept.append(Example(row.item, row.gold, row.popularity))
        if unknown and not self.skip_unknown:
            raise self.unknown_error(unknown)
        self.note(blank, f"without a text{where}")
        self.note(without, f"in no category{where}")
        if unknown:
            row, label = unknown[0]
            self.note(
                len(unknown),
                f"of categories unknown to the index{where}",
                f", the first: {label!r} ({row.place or row.item.id})",
            )
        return kept

    def note(self, count: int, what: str, more: str = "") -> None:
        """Note that products are left out."""
        if count:
            self.notes.append(f"{counted(count, 'product')} {what} left out{more}")

    def unknown_error(self, found: Sequence[tuple[ItemRow, LabelId]]) -> InputError:
        """Return the error for categories that are not in the index."""
        row, label = found[0]
        others = len({label for _, label in found}) - 1
        more = f" (and {others:,} more {'category' if others == 1 else 'categories'})" if others else ""
        named = self.index.labels_named([label])
        also = f" and {len(named) - 1:,} more" if named[1:] else ""
        hint = f" It is the name of {named[0].id!r}{also}: products are labelled with ids." if named else ""
        return InputError(
            f"{row.place or f'product {row.item.id!r}'}: the index has no category {label!r}{more}.{hint} Add the "
            "missing labels (taxonaut labels add FILE), correct the products, or leave them out with --skip-unknown "
            f"({counted(len(found), 'product')})"
        )


def check_enough(train: Sequence[Example], reading: ExampleReader) -> None:
    """Raise InputError for fewer than two categories or two different texts."""
    used = {label for example in train for label in example.labels}
    texts = {text_key(example) for example in train}
    if len(used) >= 2 and len(texts) >= 2:
        return
    left = f" ({'; '.join(reading.notes)})" if reading.notes else ""
    if len(used) >= 2:
        raise InputError(
            f"an expert needs products with at least two different texts, and all have the same text{left}; give "
            "more products, or name the text column with --text-column"
        )
    found = f"all are in one category, {next(iter(used))!r}" if used else "none of them can be used"
    raise InputError(
        f"an expert needs products of at least two categories, and {found}{left}; give products with the ids of "
        "their categories (--labels-column names the column)"
    )


MOST_ALONE = 0.25
"""Maximum share held out of the texts that are all that a category has."""


def split_train_dev(
    examples: Sequence[Example], share: float, seed: int
) -> tuple[list[Example], list[Example]]:
    """Split products into a train and a dev part, stratified by category; equal texts stay together.

    Texts are grouped by category, shuffled within each, and every (1 / share)-th becomes dev (systematic
    sampling), so that small categories are represented. Of the texts that are all that a category has, `share` (at
    most a quarter) is taken as well: they show what a category without products is worth. No other category loses
    its last text. Raises InputError if that leaves no dev part.
    """
    random_ = random.Random(seed)
    by_text: dict[str, list[Example]] = {}
    for example in examples:
        by_text.setdefault(text_key(example), []).append(example)
    labels = {text: {label for each in same for label in each.labels} for text, same in by_text.items()}
    left = Counter(label for of_text in labels.values() for label in of_text)
    texts = [text for text in by_text if all(left[label] > 1 for label in labels[text])]
    alone = [text for text in by_text if any(left[label] == 1 for label in labels[text])]
    random_.shuffle(texts)
    texts.sort(key=lambda text: by_text[text][0].labels[0])
    wanted = max(1, round(len(by_text) * share))
    chosen = set(random_.sample(alone, int(min(share, MOST_ALONE) * len(alone))))
    left.subtract(label for text in chosen for label in labels[text])
    for text in (*take_evenly(texts, wanted, random_.random()), *texts):
        if len(chosen) < wanted and text not in chosen and all(left[label] > 1 for label in labels[text]):
            chosen.add(text)
            left.subtract(labels[text])
    if not chosen:
        raise InputError(
            "no product can be held out for evaluation: every category has only one; give more products, or a dev "
            "part with --dev FILE"
        )
    parts: tuple[list[Example], list[Example]] = ([], [])
    for example in examples:
        parts[text_key(example) in chosen].append(example)
    return parts


def take_evenly(texts: Sequence[str], count: int, offset: float) -> list[str]:
    """Return `count` texts at equal steps, the first at `offset` (0 to 1) of a step."""
    count = min(count, len(texts))
    return [texts[int((place + offset) * len(texts) / count)] for place in range(count)]


def drop_seen(dev: Sequence[Example], train: Sequence[Example], reading: ExampleReader) -> list[Example]:
    """Return the products of a dev part whose text is not in the train part. Raises InputError for none."""
    seen = {text_key(example) for example in train}
    kept = [example for example in dev if text_key(example) not in seen]
    reading.note(len(dev) - len(kept), "of the dev part with a text that is also trained on")
    if not kept:
        left = f" ({'; '.join(reading.notes)})" if reading.notes else ""
        raise InputError(
            f"the dev part has no usable product{left}; give another one, or omit --dev to hold out products of "
            "the train part"
        )
    return kept


def inner_labels(index: Index) -> set[LabelId]:
    """Return the labels that are inner nodes of the tree: they have child nodes or other labels below them."""
    inner: set[LabelId] = set()
    level = [index.root()]
    seen = set(level)
    while level:
        children, placed = index.children_of(level), index.labels_under(level)
        nodes = index.nodes(level)
        for node in nodes:
            own = node.label_id
            if own is not None and (children[node.id] or any(label != own for label in placed[node.id])):
                inner.add(own)
        below = dict.fromkeys(child.id for node in nodes for child in children[node.id])
        level = [node for node in below if node not in seen]
        seen.update(level)
    return inner


def summarize(
    labels: Sequence[LabelId],
    train: Sequence[Example],
    dev: Sequence[Example],
    inner: set[LabelId],
    *,
    given: bool,
) -> dict[str, Any]:
    """Return the counts of a model card's `data`."""
    of_label = Counter(label for example in train for label in example.labels)
    by_text: dict[str, set[tuple[LabelId, ...]]] = {}
    for example in train:
        by_text.setdefault(text_key(example), set()).add(tuple(sorted(example.labels)))
    return {
        "products": len(train),
        "dev": len(dev),
        "dev_given": given,
        "categories": len(labels),
        "without_examples": sum(not of_label[label] for label in labels),
        "one_example": sum(of_label[label] == 1 for label in labels),
        "several_categories": sum(len(example.labels) > 1 for example in (*train, *dev)),
        "inner_categories": sum(label in inner for label in labels),
        "contradicting_texts": sum(len(found) > 1 for found in by_text.values()),
    }


REMARKS = (
    ("without_examples", "category", "without a product to learn from, known by label text only"),
    ("one_example", "category", "with one product to learn from"),
    ("several_categories", "product", "in more than one category, which share the weight"),
    ("inner_categories", "inner category", "that products are labelled with"),
    ("contradicting_texts", "text", "of more than one product, in different categories"),
)
"""Counts of the summary that are worth a note: key, noun, and description."""


def describe_summary(summary: Mapping[str, Any]) -> list[str]:
    """Return notes about unusual products that are used nevertheless."""
    return [f"{counted(summary[name], noun)} {said}" for name, noun, said in REMARKS if summary[name]]


def text_key(example: Example) -> str:
    """Return an example's text without surrounding whitespace, by which equal texts are found."""
    return example.item.text.strip()


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, such as `1 product` or `2 categories`."""
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{count:,} {noun if count == 1 else plural}"
