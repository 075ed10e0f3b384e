"""Classify items as a resumable run: in batches, each stored when it is finished."""

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from taxonaut.graphs.navigate import Walk
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item, ItemResult, Place, Prediction
from taxonaut.state.stores.decisions import Decisions, Totals
from taxonaut.state.stores.items import Items
from taxonaut.state.stores.runs import RunUnits
from taxonaut.workspace.core.language_check import LanguageCheck
from taxonaut.workspace.core.long_texts import TextLimits
from taxonaut.workspace.core.resumable import (
    EMPTY_TEXT,
    BatchResult,
    Resumable,
    Unit,
    request_errors,
    unit_key,
)
from taxonaut.workspace.core.run_graph import langsmith_tracing, run_graph
from taxonaut.workspace.files.index_formats.label_languages import ShownNames

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

KIND = "classify"
"""The kind of the runs that `explain` and `cost` read."""

STAGE = "labelling"

LabelBatch = Callable[[Sequence[Item]], Awaitable[Mapping[str, Any]]]
"""Labels items that have a text. Returns `results` by item id, `decisions`, and `trails` from a walk."""


class Classification:
    """A run of classification: one index, one set of models, templates and settings."""

    def __init__(
        self,
        run: Resumable,
        decisions: Decisions,
        items: Items,
        label: LabelBatch,
        batch: int,
        *,
        limits: Callable[[], TextLimits] = TextLimits,
        languages: LanguageCheck | None = None,
        show: Callable[[ItemResult], ItemResult] = lambda result: result,
    ) -> None:
        self.waits = False
        """Whether requests wait for a batch file: unfinished items are then no failures, and leave no decisions."""
        self.run = run
        self.decisions = decisions
        self.items = items
        self.label = label
        self.batch = batch
        self.limits = limits
        self.languages = languages
        self.show = show

    def totals(self, items: Sequence[ItemId] | None = None) -> Totals:
        """Return the cost of this run over all its calls, for some items or all."""
        run = self.run.known
        return self.decisions.totals(run.id, items) if run is not None else Totals()

    async def results(self, items: Iterable[Item]) -> AsyncGenerator[tuple[Item, ItemResult], None]:
        """Yield each item with its result, as `Resumable.results` does; `show` makes it of what is stored."""
        async with aclosing(self.stored_results(items)) as results:
            async for item, result in results:
                yield item, self.show(result)

    def stored_results(self, items: Iterable[Item]) -> AsyncGenerator[tuple[Item, ItemResult], None]:
        """Yield each item with its result as it is stored: an encoder's scores are similarities."""
        read = items if self.languages is None else self.languages.check_items(items)
        return self.run.results(
            read,
            self.batch,
            self.label_batch,
            UNIT,
            stage=STAGE,
            weigh=lambda item: len(item.text),
            failures=sys.maxsize if self.waits else None,
        )

    async def label_batch(self, _: RunUnits, items: Sequence[Item]) -> BatchResult[ItemResult]:
        """Label a batch; an item without a text gets `EMPTY_TEXT` and no request."""
        results = {item.id: ItemResult(item.id, (), EMPTY_TEXT) for item in items if not item.text.strip()}
        asked = [item for item in items if item.id not in results]
        found: Mapping[str, Any] = {"results": {}, "decisions": ()}
        if asked:
            self.items.put(asked)
            self.limits().tell_shortened(asked)
            found = await self.label(asked)
        results |= found["results"]
        every = [results[item.id] for item in items]
        decisions, trails = found["decisions"], found.get("trails", {})
        if self.waits:
            done = {result.item_id for result in every if not result.error}
            decisions = [each for each in decisions if each.item_id in done]
            trails = {item: trail for item, trail in trails.items() if item in done}
        return BatchResult(every, request_errors(every), decisions, trails)


def label_with_graph(graph: "CompiledStateGraph[Any, Any, Any, Any]", *, traced: bool = False) -> LabelBatch:
    """Return a function that labels items by a compiled walk (`graphs.navigate`); `traced`: see `run_graph`."""

    async def label(items: Sequence[Item]) -> Mapping[str, Any]:
        return await run_graph(graph, {"items": items}, traced=traced)

    return label


def label_with_walk(walk: Walk) -> LabelBatch:
    """Return a function that labels items by a walk; its LangChain models, if it has any, are not traced."""

    async def label(items: Sequence[Item]) -> Mapping[str, Any]:
        with langsmith_tracing(enabled=False):
            return await walk.run(items)

    return label


def shown_results(
    index: Index, show: Callable[[ItemResult], ItemResult], names: ShownNames | None
) -> Callable[[ItemResult], ItemResult]:
    """Return `show` with the labels' notations, and with their names in another language."""
    if names is None and not index.has_notations():
        return show

    def shown(result: ItemResult) -> ItemResult:
        found = show(result)
        labels = index.labels([label.label_id for label in found.labels])
        pairs = zip(found.labels, labels, strict=True)
        found = replace(
            found, labels=tuple(replace(label, notation=known.notation) for label, known in pairs)
        )
        return names.result(found) if names is not None else found

    return shown


def dump_result(result: ItemResult) -> dict[str, Any]:
    """Return a result as JSON values; notations are the index's, and not stored."""
    row = asdict(result)
    for label in row["labels"]:
        del label["notation"]
    return row


def load_result(row: Mapping[str, Any]) -> ItemResult:
    """Return the result that `dump_result` wrote."""
    return ItemResult(
        row["item_id"], tuple(map(load_prediction, row["labels"])), row["error"], tuple(row.get("ranked", ()))
    )


def load_prediction(label: Mapping[str, Any]) -> Prediction:
    """Return a prediction from its stored values; those of earlier versions have no place."""
    place = label.get("place")
    given = {
        **label,
        "label_id": LabelId(label["label_id"]),
        "path": tuple(label["path"]),
        "place": Place(**place) if place else None,
    }
    return Prediction(**given)


UNIT = Unit(unit_key, load_result, dump_result)
"""How an item's result is stored."""
