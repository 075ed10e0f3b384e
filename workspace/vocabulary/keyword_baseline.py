"""The free-form baseline: keywords that a model generates per item, without a vocabulary."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from taxonaut.agents.writers.keyword_writer import KEYWORDS, TEMPLATE, KeywordWriter
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
from taxonaut.workspace.files.output_files import write_atomically
from taxonaut.workspace.vocabulary.item_tables import write_json_object
from taxonaut.workspace.vocabulary.reading import Vocabulary
from taxonaut.workspace.vocabulary.statistics import count_items, utilization

KIND = "free-form"
"""The kind of the runs that write keywords."""

STAGE = "writing keywords"
TERMS = "tf-idf"
"""The source of keywords without a model."""

MOST_KEYWORDS = 50
TOKENS_PER_KEYWORD = 32
"""Maximum answer tokens for each keyword."""

SMALLEST_BATCH = 64


@dataclass(frozen=True, slots=True)
class FreeForm:
    """The keywords of items, in order; `source` is the model that wrote them, or `tf-idf`.

    `failed` has the errors of items whose request failed; these have no keywords.
    """

    source: str
    keywords: Mapping[ItemId, tuple[str, ...]]
    failed: Mapping[ItemId, str]


@dataclass(frozen=True, slots=True)
class ItemKeywords:
    """An item's keywords, or the error."""

    words: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class WordCounts:
    """Counts of distinct words or descriptors (`unique`), and of those of several items (`shared`).

    `utilization` is the share of the latter (AgenticTagger, B.3), `per_item` the mean number per item.
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
    """Request `most` keywords for each item from the annotator's model, one item per request.

    Results are stored in a run of kind `free-form`; an equal call requests only what is missing. No request is
    made for an item without text. With `encoder/…`, which writes no text, keywords are the item's terms of the
    highest TF-IDF among these items, and there is no run.

    Raises:
        InputError: `most` is not from 1 to MOST_KEYWORDS.
        NotFoundError: An item is not in the workspace.
        ModelUnavailableError: As `Resumable.results`; finished items are kept.
    """
    if not 1 <= most <= MOST_KEYWORDS:
        raise InputError(f"invalid number of keywords {most!r}; give a number from 1 to {MOST_KEYWORDS}")
    model = workspace.config.models.annotator
    if model.provider == ENCODER:
        texts = [item.text for item in workspace.items.get(items)]
        terms = tfidf_terms(texts, most)
        tell(Progress(STAGE, len(items), len(items)))
        return FreeForm(TERMS, dict(zip(items, terms, strict=True)), {})
    writer = make_keyword_writer(workspace, model, most)

    async def write(_: RunUnits, batch: Sequence[Item]) -> BatchResult[ItemKeywords]:
        found = {item.id: ItemKeywords(error=EMPTY_TEXT) for item in batch if not item.text.strip()}
        written = await writer.write([item for item in batch if item.id not in found])
        found |= {each.item.id: ItemKeywords(each.keywords, str(each.error or "")) for each in written}
        results = [found[item.id] for item in batch]
        return BatchResult(results, request_errors(results), [each.decision for each in written])

    size = max(SMALLEST_BATCH, 8 * model.concurrency)
    given = chain.from_iterable(workspace.items.get(ids) for ids in batched(items, size))
    found: dict[ItemId, ItemKeywords] = {}
    run = make_keyword_run(workspace, model, most)
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


def make_keyword_writer(workspace: Core, model: ModelSettings, most: int) -> KeywordWriter:
    """Return a writer on the annotator's model, which generates here even if configured to score options."""
    changes: dict[str, Any] = {"answer": "generated", "join": None}
    if "max_tokens" not in model.model_fields_set:
        changes["max_tokens"] = max(model.max_tokens, most * TOKENS_PER_KEYWORD)
    answers = workspace.wiring.answers(model.model_copy(update=changes))
    return KeywordWriter(answers, workspace.prompts, workspace.config.task.description, most)


def make_keyword_run(workspace: Core, model: ModelSettings, most: int) -> Resumable:
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
"""How an item's keywords are stored in a run."""


def write_free_form(found: FreeForm, file: str | Path) -> None:
    """Write `{item: [keyword, …]}`; `-` is standard output."""
    with write_atomically(Path(file)) as raw:
        write_json_object(found.keywords, raw)


def count_keywords(keywords: Mapping[ItemId, Sequence[str]]) -> WordCounts:
    """Count keywords, ignoring case."""
    found = Counter(word for words in keywords.values() for word in {word.casefold() for word in words})
    return make_counts(found, len(keywords))


def count_descriptors(vocabulary: Vocabulary) -> WordCounts:
    """Count descriptors, of best paths and further ones; unused descriptors count as not shared."""
    return make_counts(count_items(vocabulary), len(vocabulary.taggings))


def make_counts(found: Mapping[Any, int], items: int) -> WordCounts:
    """Return the counts from the number of items of each word."""
    return WordCounts(
        unique=len(found),
        shared=sum(count > 1 for count in found.values()),
        utilization=utilization(found),
        per_item=sum(found.values()) / items if items else 0.0,
    )
