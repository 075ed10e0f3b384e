"""Walking: where a text goes, one step of that, and a few labels put in order for it."""

import asyncio
from typing import Any

from taxonaut.conversation.answers import answer, folded
from taxonaut.conversation.nlu.mentions import place_of
from taxonaut.conversation.tools.toolkit import Arguments, Desk, about, made
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, RunId
from taxonaut.state.records import Item, ItemResult
from taxonaut.state.updates import Progress, tell
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool
from taxonaut.workspace.core.core import as_item
from taxonaut.workspace.files.tables import clean_text
from taxonaut.workspace.walk.classification import KIND

TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "description": "The text of the item."}
SHOWN = 5
"""Labels that an answer names."""


def tools(desk: Desk) -> list[Tool]:
    """Return the tools that walk."""
    return [classify_tool(desk)]


def text_item(given: object) -> Item:
    """Return a text as an item; InputError for an empty one."""
    item = as_item(clean_text(str(given)).strip())
    if not item.text:
        raise InputError("the text is empty; give the text of an item")
    return item


async def ready(desk: Desk) -> None:
    """Embed labels that have no vector yet, where classifying needs them, and tell how far that is."""
    if desk.workspace.compares_vectors and desk.embedded != desk.index.version():
        tell(Progress("embedding labels"))
        await asyncio.to_thread(desk.workspace.embed_labels)
        desk.embedded = desk.index.version()


async def classified(desk: Desk, item: Item) -> tuple[ItemResult, RunId]:
    """Classify one item; what is kept is not asked again. Return its result and the run."""
    desk.workspace.check_walkable()
    await ready(desk)
    tell(Progress("walking"))
    (result,) = await desk.workspace.aclassify([item])
    run = desk.workspace.runs.list(KIND)[0].id
    desk.spent(run)
    return result, run


def classify_tool(desk: Desk) -> Tool:
    """Return the tool `classify`."""
    index = desk.index

    async def run(arguments: Arguments) -> Outcome:
        item = text_item(arguments["text"])
        result, run_id = await classified(desk, item)
        labels: list[dict[str, Any]] = [
            {
                "id": label.label_id,
                "name": label.name,
                "path": list(label.path),
                "score": round(label.score, 4),
                "evidence": label.evidence,
            }
            for label in result.labels
        ]
        text = answer(
            "classify",
            text=item.text,
            labels=labels[:SHOWN],
            more=len(labels) - SHOWN,
            error=result.error,
        )
        places = [place_of(index, LabelId(label["id"])) for label in labels[:SHOWN]]
        holders = [node for label in result.labels[:SHOWN] for node in index.placements_of(label.label_id)]
        found = about(*places)
        focus = Focus(
            text=item.text,
            nodes=tuple(dict.fromkeys((*found.nodes, *holders))),
            labels=tuple(label.label_id for label in result.labels[:SHOWN]),
            run=run_id,
        )
        line = ", ".join(f"{label['name']} {label['score']:.2f}" for label in labels[:3]) or "no label fits"
        data = {"text": item.text, "labels": labels, "error": result.error}
        return Outcome(text, folded(line), data, focus, foreign=True)

    def parse(words: str) -> Arguments:
        if not words.strip():
            raise InputError("no text is given; write: /where wireless earbuds with noise cancelling")
        return {"text": words.strip()}

    return made(
        "classify",
        "Find the labels of an item's text by walking the tree; best first, with paths and scores.",
        {"text": TEXT},
        ("text",),
        run,
        ("where", "TEXT"),
        parse,
        {"text": Slot("text", "Which text?")},
    )
