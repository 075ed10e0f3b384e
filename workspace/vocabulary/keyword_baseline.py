"""Keywords without a vocabulary: what the items would get from a model that may write what it likes."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taxonaut.agents.keyword_writer import KEYWORDS, TEMPLATE, KeywordWriter
from taxonaut.models.catalog import ENCODER
from taxonaut.models.settings import ModelSettings
from taxonaut.state import version
from taxonaut.state.errors import InputError, ModelUnavailableError
from taxonaut.state.ids import ItemId, RunId
from taxonaut.state.records import Item
from taxonaut.tools.support.names import tfidf_terms
from taxonaut.workspace.build.build_agents import identity
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.index_file import written_whole
from taxonaut.workspace.vocabulary.item_tables import write_object
from taxonaut.workspace.vocabulary.reading import Vocabulary
from taxonaut.workspace.vocabulary.statistics import counts, utilization

KIND = "free-form"
"""The kind of the runs that write keywords."""

TERMS = "tf-idf"
"""The source of keywords where no model writes."""

MOST_KEYWORDS = 50
ROOM_FOR_A_KEYWORD = 32
"""Tokens of an answer for each keyword."""

SMALLEST_BATCH = 64

Progress = Callable[[int, int], None]
"""Called with how many items are done, and of how many."""


@dataclass(frozen=True, slots=True)
class FreeForm:
    """The keywords of items, in the items' order; `source` is the model that wrote them, or `tf-idf`.

    `failed` are items whose request failed, with the reason; they have no keywords.
    """

    source: str
    keywords: Mapping[ItemId, tuple[str, ...]]
    failed: Mapping[ItemId, str]


@dataclass(frozen=True, slots=True)
class WordCounts:
    """How many different words or descriptors a set has, and how many of them more than one item shares.

    `utilization` is the share of these (AgenticTagger, B.3), `per_item` the mean number an item has.
    """

    unique: int
    shared: int
    utilization: float
    per_item: float


async def afree_form(
    workspace: Core,
    items: Sequence[ItemId],
    most: int = KEYWORDS,
    progress: Progress = lambda done, total: None,
) -> FreeForm:
    """Ask the annotator's model for `most` keywords of each item, one item to a request.

    What is finished is kept in a run of kind `free-form`: the same call again asks only for what is missing. An
    item without text is not asked about. `encoder/…` writes no prose: with it, keywords are the item's own terms
    with the highest tf-idf among these items, and no run is made.

    Raises:
        InputError: `most` is not from 1 to MOST_KEYWORDS.
        NotFoundError: An item that the workspace does not have.
        ModelUnavailableError: A whole batch of items got no answer; what was finished is kept.
    """
    if not 1 <= most <= MOST_KEYWORDS:
        raise InputError(f"{most!r} keywords an item cannot be; give a number from 1 to {MOST_KEYWORDS}")
    model = workspace.config.models.annotator
    if model.provider == ENCODER:
        texts = [item.text for item in workspace.items.get(items)]
        terms = tfidf_terms(texts, most)
        progress(len(items), len(items))
        return FreeForm(TERMS, dict(zip(items, terms, strict=True)), {})
    writer = keyword_writer(workspace, model, most)
    keywords: dict[ItemId, tuple[str, ...]] = {}
    failed: dict[ItemId, str] = {}
    with opened_run(workspace, model, most) as run:
        for ids in batched_ids(items, max(SMALLEST_BATCH, 8 * model.concurrency)):
            found, errors = await write_batch(workspace, writer, run, workspace.items.get(ids))
            keywords |= found
            failed |= errors
            progress(len(keywords), len(items))
    return FreeForm(model.model, keywords, failed)


def keyword_writer(workspace: Core, model: ModelSettings, most: int) -> KeywordWriter:
    """Put the writer on the annotator's model, which generates here even where it else scores options."""
    changes: dict[str, Any] = {"answer": "generated", "join": None}
    if "max_tokens" not in model.model_fields_set:
        changes["max_tokens"] = max(model.max_tokens, most * ROOM_FOR_A_KEYWORD)
    answers = workspace.wiring.answers(model.model_copy(update=changes))
    return KeywordWriter(answers, workspace.prompts, workspace.config.task.description, most)


@contextmanager
def opened_run(workspace: Core, model: ModelSettings, most: int) -> Iterator[RunId]:
    """Start or continue the run of these settings, and say how it ended."""
    kept = workspace.keep_templates([TEMPLATE])
    settings = {
        "version": version.VERSION,
        "task": workspace.config.task.description,
        "annotator": identity(model),
        "template": kept[TEMPLATE],
        "keywords": most,
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
    run = workspace.runs.open(KIND, digest[:32], settings)
    status = "interrupted"
    try:
        yield run
        status = "finished"
    except Exception:
        status = "failed"
        raise
    finally:
        workspace.runs.close(run, status)  # type: ignore[arg-type]


async def write_batch(
    workspace: Core, writer: KeywordWriter, run: RunId, items: Sequence[Item]
) -> tuple[dict[ItemId, tuple[str, ...]], dict[ItemId, str]]:
    """Return a batch's keywords and failures, asking about what is not finished."""
    keys = {item.id: unit_key(item) for item in items}
    kept = workspace.runs.finished(run, list(keys.values()))
    todo = [item for item in items if keys[item.id] not in kept and item.text.strip()]
    written = await writer.write(todo) if todo else []
    done = {each.item.id: each.keywords for each in written if each.error is None}
    workspace.runs.finish(
        run,
        {keys[item]: {"keywords": list(words)} for item, words in done.items()},
        [each.decision for each in written],
    )
    failed = {each.item.id: str(each.error) for each in written if each.error is not None}
    if failed and not done:
        raise ModelUnavailableError(
            f"no item of a batch of {len(failed)} got an answer: {next(iter(failed.values()))} — what was "
            "finished before is kept; run the same command again to continue"
        )
    found: dict[ItemId, tuple[str, ...]] = {}
    for item in items:
        row = kept.get(keys[item.id])
        found[item.id] = done.get(item.id, ()) if row is None else tuple(row["keywords"])
    return found, failed


def batched_ids(items: Sequence[ItemId], size: int) -> Iterator[Sequence[ItemId]]:
    """Cut ids into batches."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def write_free_form(found: FreeForm, file: str | Path) -> None:
    """Write `{item: [keyword, …]}`; `-` is standard output."""
    with written_whole(Path(file)) as raw:
        write_object(found.keywords, raw)


def keyword_counts(keywords: Mapping[ItemId, Sequence[str]]) -> WordCounts:
    """Count keywords; two that differ in case only are one."""
    found = Counter(word for words in keywords.values() for word in {word.casefold() for word in words})
    return counted(found, len(keywords))


def descriptor_counts(vocabulary: Vocabulary) -> WordCounts:
    """Count descriptors, those of best paths and further ones; such as no item has count as not shared."""
    return counted(counts(vocabulary), len(vocabulary.taggings))


def counted(found: Mapping[Any, int], items: int) -> WordCounts:
    """Count from how many items have each word."""
    return WordCounts(
        unique=len(found),
        shared=sum(count > 1 for count in found.values()),
        utilization=utilization(found),
        per_item=sum(found.values()) / items if items else 0.0,
    )
