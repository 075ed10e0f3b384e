"""Baselines trained on labelled products: when first needed, their results kept like every method's."""

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
from taxonaut.evaluation.methods.method_run import Ranking, labelled
from taxonaut.models.cpu import computed
from taxonaut.models.embedder import Matrix
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.workspace.core.resumable import key_of
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

AGENT = "baseline"
TEMPLATE = "baseline/predict"
"""Stands where a decision has its template: a classifier reads none."""

BATCH = 512
"""Items classified together."""


@dataclass(frozen=True, slots=True)
class Products:
    """What a baseline learns from: texts, and the columns of `classes` that each belongs to."""

    texts: tuple[str, ...]
    targets: tuple[tuple[int, ...], ...]
    classes: tuple[LabelId, ...]

    def rows(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return places of texts and columns, a row for each pair: a text of two classes stands twice."""
        pairs = [(place, column) for place, columns in enumerate(self.targets) for column in columns]
        places, columns = zip(*pairs, strict=True)
        return np.array(places, dtype=np.intp), np.array(columns, dtype=np.intp)

    @property
    def digest(self) -> str:
        """What makes two sets of products the same."""
        content = json.dumps([self.texts, self.targets, self.classes])
        return key_of(content)


Scorer = Callable[[Sequence[str]], Matrix]
"""Scores texts for every class, (texts, classes); a class that is out of the question has -inf."""

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
    """Rank the classes of the products for each item by a classifier that `learn` trains on them.

    `own` are the classifier's settings. It is trained in the first batch that is not kept, whose first item
    bears the seconds of training.
    """
    products = training_products(workspace, settings, items, method)
    trained = Trained(products, learn if len(products.classes) > 1 else only_class)

    async def work(batch: Sequence[Item]) -> tuple[dict[ItemId, Ranking], list[Decision]]:
        started = time.perf_counter()
        training, scores = await computed(partial(trained.scores, [item.text for item in batch]))
        each = Usage(latency_s=(time.perf_counter() - started - training) / len(batch))
        ranked = {
            item.id: best(row, products, settings.depth) for item, row in zip(batch, scores, strict=True)
        }
        usages = [replace(each, latency_s=each.latency_s + training)] + [each] * (len(batch) - 1)
        rows = [decision(item, ranked[item.id], method, use) for item, use in zip(batch, usages, strict=True)]
        return dict(ranked), rows

    told = {"depth": settings.depth, "products": products.digest, **own}
    return await labelled(workspace, items, method, told, work, BATCH)


class Trained:
    """A classifier that is trained when it is first asked."""

    def __init__(self, products: Products, learn: Learn) -> None:
        self.products = products
        self.learn = learn
        self.scorer: Scorer | None = None

    def scores(self, texts: Sequence[str]) -> tuple[float, Matrix]:
        """Return the seconds that training took in this call, and the scores (texts, classes)."""
        started, seconds = time.perf_counter(), 0.0
        if self.scorer is None:
            self.scorer = self.learn(self.products)
            seconds = time.perf_counter() - started
        return seconds, self.scorer(texts)


def only_class(products: Products) -> Scorer:
    """Give every text the one class there is: classifiers refuse to learn it."""
    return lambda texts: np.ones((len(texts), 1), dtype=np.float32)


def training_products(
    workspace: Workspace, settings: MethodSettings, items: Sequence[Item], method: str
) -> Products:
    """Gather the labelled examples; a text that is being evaluated is left out, as is one without labels.

    Raises InputError without examples, and for a label that the index does not have.
    """
    if not settings.examples:
        raise InputError(
            f"{method!r} is trained on labelled products; name a file of them with --examples FILE"
        )
    asked = {item.text for item in items}
    rows = [row for row in settings.examples if row.gold and row.item.text.strip()]
    rows = [row for row in rows if row.item.text not in asked]
    if not rows:
        raise InputError(
            f"{method!r} has nothing to learn from: of {len(settings.examples):,} examples none has both a text "
            "that is not being evaluated and a label; name another file with --examples FILE"
        )
    known = {label: place for place, label in enumerate(workspace.index.label_ids())}
    for row in rows:
        check_known(row, known)
    classes = sorted({label for row in rows for label in row.gold}, key=known.__getitem__)
    column = {label: at for at, label in enumerate(classes)}
    return Products(
        tuple(row.item.text for row in rows),
        tuple(tuple(column[label] for label in row.gold) for row in rows),
        tuple(classes),
    )


def check_known(row: ItemRow, known: Mapping[LabelId, int]) -> None:
    """Refuse an example with a label that the index does not have."""
    for label in row.gold:
        if label not in known:
            raise InputError(
                f"{row.place or repr(row.item.id)}: the example's label {label!r} is not in the index; "
                "import the labels it comes from, or correct it"
            )


def best(scores: NDArray[np.floating[Any]], products: Products, depth: int) -> Ranking:
    """Return the first classes of a row of scores."""
    return [(products.classes[at], float(scores[at])) for at in top_k(scores, depth) if scores[at] > -np.inf]


def decision(item: Item, found: Ranking, method: str, usage: Usage) -> Decision:
    """Return the decision row of one classified item, which no agent made."""
    labels = tuple(label for label, _ in found)
    return Decision(
        item_id=item.id,
        node_id=None,
        agent=AGENT,
        template=TEMPLATE,
        template_hash="",
        model=method,
        tool="rank_candidates",
        options=labels,
        choice=labels[:1],
        scores=tuple(round(score, 4) for _, score in found),
        usage=usage,
    )
