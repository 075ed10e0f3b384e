"""Shared code of the baselines trained on labelled products; training is lazy, results are stored."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.agents.retriever import top_k
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import Ranking, run_method
from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Matrix
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item, Usage, hash_text
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

BASELINE_AGENT = "baseline"
TEMPLATE = "baseline/predict"
"""The template name in decision rows of a classifier, which has no template."""

BATCH = 512
"""Items per batch."""


@dataclass(frozen=True, slots=True)
class Products:
    """Training data: texts, and the indices into `classes` of each."""

    texts: tuple[str, ...]
    targets: tuple[tuple[int, ...], ...]
    classes: tuple[LabelId, ...]

    def rows(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return text and class indices, one entry per pair: a text of two classes occurs twice."""
        pairs = [(place, column) for place, columns in enumerate(self.targets) for column in columns]
        places, columns = zip(*pairs, strict=True)
        return np.array(places, dtype=np.intp), np.array(columns, dtype=np.intp)

    @property
    def digest(self) -> str:
        """A hash of the content."""
        content = json.dumps([self.texts, self.targets, self.classes])
        return hash_text(content)


Scorer = Callable[[Sequence[str]], Matrix]
"""Scores texts for every class, (texts, classes); -inf excludes a class."""

Learn = Callable[[Products], Scorer]
"""Trains a classifier."""


async def supervised(
    workspace: Workspace,
    items: Sequence[Item],
    settings: MethodSettings,
    method: str,
    own: Mapping[str, Any],
    learn: Learn,
) -> Outcome:
    """Rank classes for each item by a classifier that `learn` trains on the labelled examples.

    `own` are the classifier's settings. It is trained in the first batch that is not stored; the training time
    is charged to that batch's first item.
    """
    products = training_products(workspace, settings, items, method)
    trained = LazyClassifier(products, learn if len(products.classes) > 1 else learn_only_class)

    async def work(batch: Sequence[Item]) -> tuple[dict[ItemId, Ranking], list[Decision]]:
        started = time.perf_counter()
        training, scores = await computed(partial(trained.scores, [item.text for item in batch]))
        each = Usage(latency_s=(time.perf_counter() - started - training) / len(batch))
        ranked = {
            item.id: top_classes(row, products, settings.depth)
            for item, row in zip(batch, scores, strict=True)
        }
        usages = [replace(each, latency_s=each.latency_s + training)] + [each] * (len(batch) - 1)
        rows = [
            baseline_decision(item, ranked[item.id], method, use)
            for item, use in zip(batch, usages, strict=True)
        ]
        return dict(ranked), rows

    used = {"depth": settings.depth, "products": products.digest, **own}
    return await run_method(workspace, items, method, used, work, BATCH)


class LazyClassifier:
    """A classifier that is trained on first use."""

    def __init__(self, products: Products, learn: Learn) -> None:
        self.products = products
        self.learn = learn
        self.scorer: Scorer | None = None

    def scores(self, texts: Sequence[str]) -> tuple[float, Matrix]:
        """Return the seconds this call spent on training, and the scores (texts, classes)."""
        started, seconds = time.perf_counter(), 0.0
        if self.scorer is None:
            self.scorer = self.learn(self.products)
            seconds = time.perf_counter() - started
        return seconds, self.scorer(texts)


def learn_only_class(products: Products) -> Scorer:
    """Return a scorer for a single class, which classifiers cannot be trained on."""
    return lambda texts: np.ones((len(texts), 1), dtype=np.float32)


def training_products(
    workspace: Workspace, settings: MethodSettings, items: Sequence[Item], method: str
) -> Products:
    """Return the labelled examples as training data, without evaluated, blank and unlabelled texts.

    Raises InputError without examples, or for a label that is not in the index.
    """
    if not settings.examples:
        raise InputError(
            f"{method!r} is trained on labelled products; give a file of them with --examples FILE"
        )
    asked = {item.text for item in items}
    rows = [row for row in settings.examples if row.gold and row.item.text.strip()]
    rows = [row for row in rows if row.item.text not in asked]
    if not rows:
        raise InputError(
            f"{method!r} has nothing to learn from: none of {len(settings.examples):,} examples has a label and a "
            "text that is not evaluated; give another file with --examples FILE"
        )
    known = {label: place for place, label in enumerate(workspace.index.label_ids())}
    for row in rows:
        check_label_known(row, known)
    classes = sorted({label for row in rows for label in row.gold}, key=known.__getitem__)
    column = {label: at for at, label in enumerate(classes)}
    return Products(
        tuple(row.item.text for row in rows),
        tuple(tuple(column[label] for label in row.gold) for row in rows),
        tuple(classes),
    )


def check_label_known(row: ItemRow, known: Mapping[LabelId, int]) -> None:
    """Raise InputError if an example has a label that is not in the index."""
    for label in row.gold:
        if label not in known:
            raise InputError(
                f"{row.place or repr(row.item.id)}: the example's label {label!r} is not in the index; "
                "import its labels, or correct it"
            )


def top_classes(scores: NDArray[np.floating[Any]], products: Products, depth: int) -> Ranking:
    """Return the best `depth` classes of a row of scores."""
    return [(products.classes[at], float(scores[at])) for at in top_k(scores, depth) if scores[at] > -np.inf]


def baseline_decision(item: Item, found: Ranking, method: str, usage: Usage) -> Decision:
    """Return the decision row of one classified item."""
    labels = tuple(label for label, _ in found)
    return Decision(
        item_id=item.id,
        node_id=None,
        agent=BASELINE_AGENT,
        template=TEMPLATE,
        template_hash="",
        model=method,
        tool="rank_candidates",
        options=labels,
        choice=labels[:1],
        scores=tuple(round(score, 4) for _, score in found),
        usage=usage,
    )
