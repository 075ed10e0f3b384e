"""Assign the vocabulary's descriptors to items, as a resumable run."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from taxonaut.graphs.assign_vocabulary import assign_vocabulary
from taxonaut.models.catalog import ENCODER
from taxonaut.models.embedder import Matrix
from taxonaut.state import version
from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Decision, Item
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.stores.taggings import Taggings
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import (
    EMPTY_TEXT,
    BatchResult,
    Resumable,
    Unit,
    request_errors,
    unit_key,
)
from taxonaut.workspace.core.run_graph import run_graph
from taxonaut.workspace.vocabulary.reading import check_vocabulary
from taxonaut.workspace.vocabulary.vocabulary_agents import (
    TEMPLATES,
    Lookup,
    fingerprint_settings,
    item_text,
    make_item_annotator,
    make_item_table,
    prefer_table,
    tell_cut_texts,
)

KIND = "assign"
BATCH = 10_000
"""Items per batch."""


def assign(
    workspace: Core,
    items: Iterable[Item],
    *,
    every: bool | None = None,
    keep: bool = True,
) -> AsyncGenerator[tuple[Item, Tagging], None]:
    """Yield each item with its tagging, which replaces the item's former one.

    `every` adds all descriptors that fit besides the best path; None means only if the annotator is an encoder,
    where they are free. Without `keep` the taggings are a trial and not kept as those of the workspace's items. An
    item keeps its former tagging if its request fails. Raises as `Resumable.results` does.
    """
    check_vocabulary(workspace)
    workspace.store_templates(TEMPLATES)
    if every is None:
        every = workspace.config.models.annotator.provider == ENCODER
    index = workspace.index.version()
    known = {
        "version": version.VERSION,
        "every": every,
        "index": index,
        **fingerprint_settings(workspace.config, workspace.wiring),
    }
    descent = Descent(workspace, every=every)

    def tag(run: RunUnits, taggings: Sequence[Tagging]) -> None:
        Taggings(workspace.database).put(run.id, taggings)

    run = Resumable(workspace.runs, KIND, known, check=partial(workspace.check_version, index))
    return run.results(
        items,
        BATCH,
        descent.work,
        UNIT,
        on_batch=tag if keep else None,
        replied=True,
        stage="assigning",
    )


class Descent:
    """Takes batches of items down the vocabulary, with one annotator and the vectors of the current batch.

    An annotator per batch would keep the vectors of all descriptors in memory until the next garbage collection.
    """

    def __init__(self, workspace: Core, *, every: bool) -> None:
        self.items = workspace.items
        self.wiring = workspace.wiring
        self.encodes = workspace.config.models.annotator.provider == ENCODER
        self.lookup: Lookup = self.wiring.stored.lookup
        annotator = make_item_annotator(self.wiring, self.vectors, every=every)
        characters = self.wiring.config.vocabulary.characters
        self.graph = assign_vocabulary(
            workspace.index, annotator, lambda item: item_text(item, characters, named=not self.encodes)
        ).compile()

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """Return unit vectors (n, d) of texts; those of the current batch are not looked up."""
        return self.lookup(texts)

    async def work(self, _: RunUnits, items: Sequence[Item]) -> BatchResult[Tagging]:
        """Tag a batch; no request is made for items without a text."""
        self.items.put(items)
        tell_cut_texts(items, self.wiring.config)
        taggings = {item.id: Tagging(item.id, error=EMPTY_TEXT) for item in items if not item.text.strip()}
        asked = [item for item in items if item.id not in taggings]
        decisions: Sequence[Decision] = ()
        if asked:
            if self.encodes:
                self.lookup = prefer_table(make_item_table(self.wiring, asked), self.wiring.stored.lookup)
            state = await run_graph(self.graph, {"items": asked}, traced=self.wiring.config.tracing.langsmith)
            taggings |= state["taggings"]
            decisions = state["decisions"]
        found = [taggings[item.id] for item in items]
        return BatchResult(found, request_errors(found), decisions)


async def aassign_vocabulary(
    workspace: Core, items: Iterable[Item], *, every: bool | None = None, keep: bool = True
) -> list[Tagging]:
    """Run `assign` and return all taggings."""
    async with aclosing(assign(workspace, items, every=every, keep=keep)) as taggings:
        return [tagging async for _, tagging in taggings]


def dump_tagging(tagging: Tagging) -> dict[str, Any]:
    """Return a tagging as JSON values for its unit."""
    return {
        "item_id": tagging.item_id,
        "path": list(tagging.path),
        "others": list(tagging.others),
        "error": tagging.error,
    }


def load_tagging(row: Mapping[str, Any]) -> Tagging:
    """Return a tagging from the JSON values of its unit."""
    return Tagging(
        ItemId(row["item_id"]),
        tuple(map(NodeId, row["path"])),
        tuple(map(NodeId, row["others"])),
        row["error"],
    )


UNIT = Unit(unit_key, load_tagging, dump_tagging)
"""How an item's tagging is stored in a run."""
