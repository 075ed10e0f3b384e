"""Keywords without a vocabulary: what the items would get from a model that may write what it likes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from taxonaut.agents.keyword_writer import KEYWORDS, TEMPLATE, KeywordWriter
from taxonaut.models.catalog import ENCODER
from taxonaut.models.settings import ModelSettings
from taxonaut.state import version
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import Progress, staged, tell
from taxonaut.tools.support.names import tfidf_terms
from taxonaut.workspace.build.build_agents import model_identity
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import (
    EMPTY_TEXT,
    BatchResult,
    Resumable,
    Unit,
    batched,
    request_errors,
    unit_key,
)
from taxonaut.workspace.files.index_file import write_atomically
from taxonaut.workspace.vocabulary.item_tables import write_object
from taxonaut.workspace.vocabulary.reading import Vocabulary
from taxonaut.workspace.vocabulary.statistics import counts, utilization

KIND = "free-form"
STAGE = "writing keywords"
"""The kind of the runs that write keywords."""

TERMS = "tf-idf"
"""The source of keywords where no model writes."""

MOST_KEYWORDS = 50
ROOM_FOR_A_KEYWORD = 32
"""Tokens of an answer for each keyword."""

SMALLEST_BATCH = 64

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
class ItemKeywords:
    """An item's keywords, or why it has none."""

    words: tuple[str, ...] = ()
    error: str = ""


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
) -> FreeForm:
    """Ask the annotator's model for `most` keywords of each item, one item to a request.

    What is finished is kept in a run of kind `free-form`: the same call again asks only for what is missing. An
    item without text is not asked about. `encoder/…` writes no prose: with it, keywords are the item's own terms
    with the highest tf-idf among these items, and no run is made.

    Raises:
        InputError: `most` is not from 1 to MOST_KEYWORDS.
        NotFoundError: An item that the workspace does not have.
        ModelUnavailableError: As `Resumable.results` does; what was finished is kept.
    """
    if not 1 <= most <= MOST_KEYWORDS:
        raise InputError(f"{most!r} keywords an item cannot be; give a number from 1 to {MOST_KEYWORDS}")
    model = workspace.config.models.annotator
    if model.provider == ENCODER:
        texts = [item.text for item in workspace.items.get(items)]
        terms = tfidf_terms(texts, most)
        tell(Progress(STAGE, len(items), len(items)))
        return FreeForm(TERMS, dict(zip(items, terms, strict=True)), {})
    writer = keyword_writer(workspace, model, most)

    async def write(_: RunUnits, batch: Sequence[Item]) -> BatchResult[ItemKeywords]:
        found = {item.id: ItemKeywords(error=EMPTY_TEXT) for item in batch if not item.text.strip()}
        written = await writer.write([item for item in batch if item.id not in found])
        found |= {each.item.id: ItemKeywords(each.keywords, str(each.error or "")) for each in written}
        results = [found[item.id] for item in batch]
        return BatchResult(results, request_errors(results), [each.decision for each in written])

    size = max(SMALLEST_BATCH, 8 * model.concurrency)
    given = chain.from_iterable(workspace.items.get(ids) for ids in batched(items, size))
    found: dict[ItemId, ItemKeywords] = {}
    run = keyword_run(workspace, model, most)
    done = run.results(given, size, write, UNIT, stage=STAGE)
    async with aclosing(done) as results:
        with staged(STAGE, len(items)):
            async for item, result in results:
                found[item.id] = result
    return FreeForm(
        model.model,
        {item: each.words for item, each in found.items()},
        {item: each.error for item, each in found.items() if each.error not in ("", EMPTY_TEXT)},
    )


def keyword_writer(workspace: Core, model: ModelSettings, most: int) -> KeywordWriter:
    """Put the writer on the annotator's model, which generates here even where it else scores options."""
    changes: dict[str, Any] = {"answer": "generated", "join": None}
    if "max_tokens" not in model.model_fields_set:
        changes["max_tokens"] = max(model.max_tokens, most * ROOM_FOR_A_KEYWORD)
    answers = workspace.wiring.answers(model.model_copy(update=changes))
    return KeywordWriter(answers, workspace.prompts, workspace.config.task.description, most)


def keyword_run(workspace: Core, model: ModelSettings, most: int) -> Resumable:
    """Return the run of these settings."""
    kept = workspace.store_templates([TEMPLATE])
    settings = {
        "version": version.VERSION,
        "task": workspace.config.task.description,
        "annotator": model_identity(model),
        "template": kept[TEMPLATE],
        "keywords": most,
    }
    return Resumable(workspace.runs, KIND, settings)


UNIT: Unit[Item, ItemKeywords] = Unit(
    unit_key,
    lambda row: ItemKeywords(tuple(row["keywords"])),
    lambda result: None if result.error else {"keywords": list(result.words)},
)
"""How an item's keywords are kept."""


def write_free_form(found: FreeForm, file: str | Path) -> None:
    """Write `{item: [keyword, …]}`; `-` is standard output."""
    with write_atomically(Path(file)) as raw:
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
