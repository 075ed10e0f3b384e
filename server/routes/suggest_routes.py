"""Suggest labels for texts."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from taxonaut.server.problems import RESPONSES, ProblemError
from taxonaut.server.routes.api_answers import Suggestion, suggestion
from taxonaut.server.service import Served
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item, as_item, distinct_items
from taxonaut.workspace.labels.label_changes import find_label
from taxonaut.workspace.walk.explanation import Explanation

router = APIRouter(prefix="/api", tags=["suggest"], responses=RESPONSES)

MOST_TEXTS = 1_000
LONGEST_TEXT = 200_000


class GivenItem(BaseModel):
    """A text with an id of yours; without one it is known by its text."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    id: Annotated[str, Field(max_length=1_000)] | None = None


class SuggestRequest(BaseModel):
    """Texts to label, each a string or an object with `text` and `id`."""

    texts: Annotated[list[Annotated[str, Field(max_length=LONGEST_TEXT)] | GivenItem], Field(min_length=1)]
    top: Annotated[
        int | None,
        Field(ge=1, le=100, description="At most so many labels a text; else as the settings say."),
    ] = None
    language: Annotated[
        str, Field(max_length=35, description="Show names in this language, such as `de`.")
    ] = ""


def as_given(text: str | GivenItem) -> Item:
    """Return the item of a request. Raises InputError for text that no file can store."""
    item = as_item(
        text if isinstance(text, str) else Item(ItemId(text.id), text.text) if text.id else text.text
    )
    try:
        (item.id + item.text).encode()
    except UnicodeEncodeError:
        raise InputError("a text holds half a character (a lone surrogate); send UTF-8") from None
    return item


@router.post("/suggest")
async def suggest(service: Served, asked: SuggestRequest) -> list[Suggestion]:
    """Label texts; the answers are in their order, each with labels, paths, scores and evidence.

    For many texts start a job (POST /api/jobs).
    """
    if len(asked.texts) > MOST_TEXTS:
        raise ProblemError(
            413,
            f"{len(asked.texts):,} texts are given; send at most {MOST_TEXTS:,}, or start a job (POST /api/jobs)",
        )
    names = await run_in_threadpool(service.names, asked.language)
    items = [as_given(text) for text in asked.texts]
    distinct_items(items)
    found = await service.suggester.suggest(items, asked.top)
    return [suggestion(item, result, names) for item, result in zip(items, found, strict=True)]


@router.get("/explain", tags=["items"])
def explain(
    service: Served,
    item: Annotated[str, Query(min_length=1, max_length=20_000, description="The item's id.")],
    gold: Annotated[list[str], Query(max_length=100, description="Right labels, by id, name or path.")] = [],  # noqa: B006
) -> Explanation:
    """Show an item's latest walk as a tree, its ranking, and where each `gold` label was found or lost."""
    labels = [find_label(service.workspace.index, each) for each in gold]
    return service.workspace.explain(ItemId(item), labels)
