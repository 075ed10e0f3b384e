"""The tool `classify`, and helpers of tools that classify."""

import asyncio
from typing import Any

from taxonaut.conversation.answers import one_line, render_answer
from taxonaut.conversation.nlu.mentions import resolve_place
from taxonaut.conversation.tools.toolkit import Arguments, ToolContext, build_tool, focus_on
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, RunId
from taxonaut.state.records import Item, ItemResult, as_item
from taxonaut.state.updates import Progress, tell
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool
from taxonaut.workspace.files.tables import clean_text
from taxonaut.workspace.walk.classification import KIND

TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "description": "The text of the item."}
SHOWN = 5
"""Maximum labels listed in an answer."""


def tools(context: ToolContext) -> list[Tool]:
    """Return the tool `classify`."""
    return [classify_tool(context)]


def build_item(given: object) -> Item:
    """Build the item of a text. Raises InputError for an empty one."""
    item = as_item(clean_text(str(given)).strip())
    if not item.text:
        raise InputError("the text is empty; give the text of an item")
    return item


async def embed_missing_labels(context: ToolContext) -> None:
    """Embed labels without a vector if classification compares vectors, and report progress."""
    if context.workspace.compares_vectors and context.embedded_version != context.index.version():
        tell(Progress("embedding labels"))
        await asyncio.to_thread(context.workspace.embed_labels)
        context.embedded_version = context.index.version()


async def classify_item(context: ToolContext, item: Item) -> tuple[ItemResult, RunId]:
    """Classify one item, or read its stored result; return the result and its run."""
    context.workspace.check_walkable()
    await embed_missing_labels(context)
    tell(Progress("walking"))
    (result,) = await context.workspace.aclassify([item])
    run = context.workspace.runs.list(KIND)[0].id
    context.add_run(run)
    return result, run


def classify_tool(context: ToolContext) -> Tool:
    """Return the tool `classify`."""
    index = context.index

    async def run(arguments: Arguments) -> Outcome:
        item = build_item(arguments["text"])
        result, run_id = await classify_item(context, item)
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
        text = render_answer(
            "classify",
            text=item.text,
            labels=labels[:SHOWN],
            more=len(labels) - SHOWN,
            error=result.error,
        )
        places = [resolve_place(index, LabelId(label["id"])) for label in labels[:SHOWN]]
        holders = [node for label in result.labels[:SHOWN] for node in index.placements_of(label.label_id)]
        found = focus_on(*places)
        focus = Focus(
            text=item.text,
            nodes=tuple(dict.fromkeys((*found.nodes, *holders))),
            labels=tuple(label.label_id for label in result.labels[:SHOWN]),
            run=run_id,
        )
        line = ", ".join(f"{label['name']} {label['score']:.2f}" for label in labels[:3]) or "no label fits"
        data = {"text": item.text, "labels": labels, "error": result.error}
        return Outcome(text, one_line(line), data, focus, foreign=True)

    def parse(words: str) -> Arguments:
        if not words.strip():
            raise InputError("no text is given; write: /where wireless earbuds with noise cancelling")
        return {"text": words.strip()}

    return build_tool(
        "classify",
        "Find the labels of an item's text by walking the tree; best first, with paths and scores.",
        {"text": TEXT},
        ("text",),
        run,
        ("where", "TEXT"),
        parse,
        {"text": Slot("text", "Which text?")},
    )
