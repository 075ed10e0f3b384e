"""Classify items as a run: batch by batch through the walk, finished items kept, a killed run continued."""

import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from taxonaut.state.errors import ModelUnavailableError
from taxonaut.state.ids import ItemId, LabelId, RunId
from taxonaut.state.records import Item, ItemResult, Prediction, distinct_items
from taxonaut.state.stores.decisions import Decisions, Totals
from taxonaut.state.stores.items import Items
from taxonaut.state.stores.runs import Runs

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

KIND = "classify"
EMPTY_TEXT = "the text is empty"
DEEPEST = 1_000_000
"""Super-steps a walk may take: no bound in practice. Breadth-first a level is one, depth-first a node."""

OnDone = Callable[[int], None]
"""Called with how many items have their result, of this call."""


class Classification:
    """One way of labelling, named by its fingerprint: same index, models, templates and settings.

    `kind` is that of its run: `explain` and `cost` look at those of kind `classify` only.
    """

    def __init__(
        self,
        runs: Runs,
        decisions: Decisions,
        items: Items,
        graph: "CompiledStateGraph[Any, Any, Any, Any]",
        settings: Mapping[str, Any],
        batch: int,
        kind: str = KIND,
    ) -> None:
        self.runs = runs
        self.decisions = decisions
        self.items = items
        self.graph = graph
        self.settings = settings
        self.batch = batch
        self.kind = kind

    @property
    def fingerprint(self) -> str:
        """What makes two classifications the same."""
        text = json.dumps(self.settings, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def totals(self, items: Sequence[ItemId] | None = None) -> Totals:
        """Return what all calls of this classification cost together, for some items or all of them."""
        run = next((run for run in self.runs.list(self.kind) if run.fingerprint == self.fingerprint), None)
        return self.decisions.totals(run.id, items) if run is not None else Totals()

    async def results(
        self, items: Iterable[Item], on_done: OnDone | None = None
    ) -> AsyncGenerator[ItemResult, None]:
        """Give each item's result, in order. Items that a former call finished are not asked about again.

        Raises ModelUnavailableError when a whole batch got no answer; what was finished is kept.
        """
        run = self.runs.open(self.kind, self.fingerprint, self.settings)
        done = 0
        with self.runs.recording_status(run):
            for batch in batched(items, self.batch):
                for result in await self.walk(run, batch):
                    yield result
                done += len(batch)
                if on_done is not None:
                    on_done(done)

    async def walk(self, run: RunId, batch: Sequence[Item]) -> list[ItemResult]:
        """Give a batch's results: kept ones, and those of one walk over the rest."""
        keys = {item.id: unit_key(item) for item in distinct_items(batch)}
        kept = self.runs.finished(run, list(keys.values()))
        results = {item.id: loaded(kept[keys[item.id]]) for item in batch if keys[item.id] in kept}
        blank = {
            item.id: ItemResult(item.id, (), EMPTY_TEXT)
            for item in batch
            if item.id not in results and not item.text.strip()
        }
        results |= blank
        todo = [item for item in dict.fromkeys(batch) if item.id not in results]
        decisions, trails = [], {}
        if todo:
            self.items.put(todo)
            state = await self.graph.ainvoke({"items": todo}, {"recursion_limit": DEEPEST})
            results |= state["results"]
            decisions, trails = state["decisions"], state.get("trails", {})
        fresh = [results[item.id] for item in todo]
        finished = [result for result in fresh if not result.error] + list(blank.values())
        self.runs.finish(
            run, {keys[result.item_id]: dumped(result) for result in finished}, decisions, trails
        )
        if fresh and all(result.error for result in fresh):
            raise ModelUnavailableError(
                f"no item of a batch of {len(fresh)} got an answer: {fresh[0].error} — "
                "what was finished before is kept; run the same command again to continue"
            )
        return [results[item.id] for item in batch]


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream of items into lists of at most `size`."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


def unit_key(item: Item) -> str:
    """What makes two items the same unit of a run: id and text."""
    return hashlib.sha256(f"{item.id}\0{item.text}".encode(errors="replace")).hexdigest()[:32]


def dumped(result: ItemResult) -> dict[str, Any]:
    """Return a result as plain values, for its unit."""
    return asdict(result)


def loaded(row: Mapping[str, Any]) -> ItemResult:
    """Return a kept result."""
    labels = tuple(
        Prediction(**{**label, "label_id": LabelId(label["label_id"]), "path": tuple(label["path"])})
        for label in row["labels"]
    )
    return ItemResult(row["item_id"], labels, row["error"])
