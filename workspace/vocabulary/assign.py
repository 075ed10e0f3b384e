"""Put the vocabulary's descriptors on items as a run: finished items are kept, a killed run continues."""

import hashlib
import json
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

from taxonaut.graphs.assign_vocabulary import assign_vocabulary
from taxonaut.models.catalog import ENCODER
from taxonaut.models.embedder import Matrix
from taxonaut.state import version
from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import ModelUnavailableError
from taxonaut.state.graph_states.assign_vocabulary import AssignState
from taxonaut.state.ids import ItemId, NodeId, RunId
from taxonaut.state.records import Item, distinct_items
from taxonaut.state.stores.taggings import Taggings
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.vocabulary.reading import check_vocabulary
from taxonaut.workspace.vocabulary.vocabulary_agents import (
    TEMPLATES,
    Lookup,
    item_annotator,
    item_table,
    known_first,
    settings,
    text_of,
)
from taxonaut.workspace.walk.classification import DEEPEST, EMPTY_TEXT, OnDone, batched, unit_key

KIND = "assign"
BATCH = 10_000
"""Items that go down the vocabulary together."""


async def assign(
    workspace: Core,
    items: Iterable[Item],
    *,
    every: bool | None = None,
    on_done: OnDone | None = None,
) -> AsyncGenerator[Tagging, None]:
    """Give each item's tagging, in order; it is kept as the item's own until the next assignment.

    `every`: all descriptors that fit beside the best path; None: if the annotator is an encoder, for which
    that costs nothing. Items that a former call finished under the same vocabulary and settings are not asked
    about again. Raises ModelUnavailableError when a whole batch got no answer; what was finished is kept.
    """
    check_vocabulary(workspace)
    workspace.keep_templates(TEMPLATES)
    if every is None:
        every = workspace.config.models.annotator.provider == ENCODER
    known = {
        "version": version.VERSION,
        "every": every,
        "index": workspace.index.version(),
        **settings(workspace.config, workspace.wiring),
    }
    text = json.dumps(known, sort_keys=True, default=str)
    run = workspace.runs.open(KIND, hashlib.sha256(text.encode()).hexdigest()[:32], known)
    done = 0
    with workspace.runs.recording_status(run):
        descent = Descent(workspace, every=every)
        for batch in batched(items, BATCH):
            for tagging in await assigned(workspace, run, batch, descent):
                yield tagging
            done += len(batch)
            if on_done is not None:
                on_done(done)


async def assigned(workspace: Core, run: RunId, batch: Sequence[Item], descent: "Descent") -> list[Tagging]:
    """Give a batch's taggings: kept ones, and those of one descent of the rest; a failed item keeps what it had."""
    once = distinct_items(batch)
    keys = {item.id: unit_key(item) for item in once}
    kept = workspace.runs.finished(run, list(keys.values()))
    found = {item.id: loaded(kept[keys[item.id]]) for item in once if keys[item.id] in kept}
    fresh = [item for item in once if item.id not in found]
    found |= {item.id: Tagging(item.id, error=EMPTY_TEXT) for item in fresh if not item.text.strip()}
    todo = [item for item in fresh if item.text.strip()]
    decisions = []
    workspace.items.put(fresh)
    if todo:
        state = await descent.run(todo)
        found |= state["taggings"]
        decisions = state["decisions"]
    good = [found[item.id] for item in once if found[item.id].error in ("", EMPTY_TEXT)]
    with workspace.database.write():
        units = {keys[each.item_id]: dumped(each) for each in good if keys[each.item_id] not in kept}
        workspace.runs.finish(run, units, decisions)
        Taggings(workspace.database).put(run, good)
    if todo and all(found[item.id].error for item in todo):
        raise ModelUnavailableError(
            f"no item of {len(todo)} got an answer: {found[todo[0].id].error} — what was finished before is "
            "kept; run the same command again to continue"
        )
    return [found[item.id] for item in batch]


class Descent:
    """The way of items down the vocabulary: one annotator for all batches, and the vectors of the batch at work.

    An annotator a batch would hold its vectors of all descriptors until Python looks for reference cycles.
    """

    def __init__(self, workspace: Core, *, every: bool) -> None:
        self.wiring = workspace.wiring
        self.encodes = workspace.config.models.annotator.provider == ENCODER
        self.lookup: Lookup = self.wiring.stored.lookup
        annotator = item_annotator(self.wiring, self.vectors, every=every)
        characters = self.wiring.config.vocabulary.characters
        self.graph = assign_vocabulary(
            workspace.index, annotator, lambda item: text_of(item, characters)
        ).compile()

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors (n, d) of texts, those of the batch without asking."""
        return self.lookup(texts)

    async def run(self, items: Sequence[Item]) -> AssignState:
        """Take a batch down the vocabulary."""
        if self.encodes:
            self.lookup = known_first(item_table(self.wiring, items), self.wiring.stored.lookup)
        state = await self.graph.ainvoke({"items": list(items)}, {"recursion_limit": DEEPEST})
        return cast("AssignState", state)


async def aassign_vocabulary(
    workspace: Core, items: Iterable[Item], *, every: bool | None = None, on_done: OnDone | None = None
) -> list[Tagging]:
    """Do what `assign` does, and return the taggings together."""
    async with aclosing(assign(workspace, items, every=every, on_done=on_done)) as taggings:
        return [tagging async for tagging in taggings]


def dumped(tagging: Tagging) -> dict[str, Any]:
    """Return a tagging as plain values, for its unit."""
    return {
        "item_id": tagging.item_id,
        "path": list(tagging.path),
        "others": list(tagging.others),
        "error": tagging.error,
    }


def loaded(row: Mapping[str, Any]) -> Tagging:
    """Return a kept tagging."""
    return Tagging(
        ItemId(row["item_id"]),
        tuple(map(NodeId, row["path"])),
        tuple(map(NodeId, row["others"])),
        row["error"],
    )
