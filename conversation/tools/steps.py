"""The tools `expand_node` and `rank_candidates`: single steps of a walk."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from taxonaut.conversation.answers import one_line, render_answer
from taxonaut.conversation.nlu.mentions import find_label, find_place, path_names, places_named, resolve_node
from taxonaut.conversation.tools.toolkit import NODE, Arguments, ToolContext, build_tool
from taxonaut.conversation.tools.walk import TEXT, build_item, embed_missing_labels
from taxonaut.state import version
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item
from taxonaut.state.stores.runs import RunUnits
from taxonaut.tools.expand_node import expand_node
from taxonaut.tools.rank_candidates import rank_candidates
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool
from taxonaut.workspace.core.resumable import Resumable

KIND = "step"
"""The kind of the runs that hold single decisions."""

SHOWN = 12
MOST_RANKED = 50


def tools(context: ToolContext) -> list[Tool]:
    """Return the tools that take single decisions."""
    return [expand_tool(context), rank_tool(context)]


@contextmanager
def open_step_run(context: ToolContext, item: Item) -> Iterator[RunUnits]:
    """Open the run of single decisions with this index and settings, and store the item."""
    settings = {
        "index": context.index.version(),
        "version": version.VERSION,
        **context.workspace.config.answer_settings(),
    }
    context.workspace.items.put([item])
    with Resumable(context.workspace.runs, KIND, settings).recording() as run:
        context.add_run(run.id)
        yield run


def expand_tool(context: ToolContext) -> Tool:
    """Return the tool `expand_node`."""
    index = context.index

    async def run(arguments: Arguments) -> Outcome:
        item, node = build_item(arguments["text"]), resolve_node(index, arguments["node"])
        (expansion,) = expand_node(index, [node])
        if expansion.is_terminal:
            raise InputError(
                f"{' > '.join(path_names(index, node)) or 'the top'!r} has no branches to choose from"
            )
        await embed_missing_labels(context)
        path, ancestors = path_names(index, node), context.workspace.policy().ancestors
        with open_step_run(context, item) as run:
            navigator = context.workspace.wiring.navigator()
            answers = await navigator.choose([(item, node)], {node: expansion}, {node: path}, ancestors)
            run.finish({}, [each.decision for each in answers])
        names = {branch.id: branch.name for branch in expansion.branches}
        chosen = [
            {"id": branch, "name": names[branch], "score": round(score, 4), "evidence": phrase}
            for each in answers
            for branch, score, phrase in zip(each.chosen, each.scores, each.evidence, strict=False)
        ]
        chosen.sort(key=lambda row: -float(str(row["score"])))
        error = next((each.decision.error for each in answers if each.decision.error), "")
        text = render_answer(
            "expand_node", path=path, chosen=chosen[:SHOWN], branches=len(names), error=error, text=item.text
        )
        line = ", ".join(f"{row['name']} {row['score']:.2f}" for row in chosen[:3]) or "no branch fits"
        data = {"node": node, "path": list(path), "text": item.text, "chosen": chosen, "error": error}
        return Outcome(text, one_line(line), data, Focus(item.text, (node,), run=run.id), foreign=True)

    def parse(words: str) -> Arguments:
        node, text = split_first(words)
        return {"node": find_place(index, node), "text": text}

    def split_first(words: str) -> tuple[str, str]:
        """Split `NODE TEXT` at a bar or quotation mark, else after the longest prefix that is a name."""
        for sign in ("|", '"', "“"):
            if sign in words.strip()[1:]:
                node, _, text = words.strip().partition(sign)
                return node.strip(), text.strip().strip('"”')
        parts = words.split()
        for count in range(len(parts) - 1, 0, -1):
            node = " ".join(parts[:count])
            if places_named(index, node):
                return node, " ".join(parts[count:])
        raise InputError(f"{words!r} does not name a category and a text; write: /open NODE | TEXT")

    return build_tool(
        "expand_node",
        "Take one step of a walk: which branches of a category the navigator would open for a text.",
        {"node": NODE, "text": TEXT},
        ("node", "text"),
        run,
        ("open", "NODE | TEXT"),
        parse,
        {"node": Slot("node", "At which category?"), "text": Slot("text", "Which text?")},
    )


def rank_tool(context: ToolContext) -> Tool:
    """Return the tool `rank_candidates`."""
    index = context.index

    async def run(arguments: Arguments) -> Outcome:
        item = build_item(arguments["text"])
        ids = list(dict.fromkeys(LabelId(str(each)) for each in arguments["labels"]))
        if not 2 <= len(ids) <= MOST_RANKED:
            raise InputError(f"{len(ids)} different labels are given; give 2 to {MOST_RANKED}")
        labels = {label.id: label for label in index.labels(ids)}
        await embed_missing_labels(context)
        paths = {id_: ways[0] for id_, ways in index.paths_of(ids).items() if ways}
        with open_step_run(context, item) as run:
            (found,) = await context.workspace.wiring.general_expert().rank([(item, ids)], labels, paths)
            run.finish({}, [found.decision])
        ranked: list[dict[str, Any]] = [
            {
                "id": row.label_id,
                "name": row.name,
                "path": list(row.path),
                "score": round(score, 4),
                "evidence": why,
            }
            for row, score, why in zip(
                rank_candidates(index, found.chosen), found.scores, found.evidence, strict=False
            )
        ]
        left = [labels[id_].name for id_ in ids if id_ not in found.chosen]
        error = found.decision.error
        text = render_answer("rank_candidates", text=item.text, ranked=ranked, left=left, error=error)
        line = ", ".join(f"{row['name']} {row['score']:.2f}" for row in ranked[:3]) or "none fits"
        data = {"text": item.text, "ranked": ranked, "left_out": left, "error": error}
        focus = Focus(item.text, labels=tuple(row["id"] for row in ranked), run=run.id)
        return Outcome(text, one_line(line), data, focus, foreign=True)

    def parse(words: str) -> Arguments:
        text, *labels = (part.strip() for part in words.split("|"))
        if not text or len(labels) < 2:
            raise InputError("give a text and at least two labels; write: /rank TEXT | LABEL | LABEL")
        return {"text": text, "labels": [find_label(index, label) for label in labels]}

    return build_tool(
        "rank_candidates",
        "Put a few labels in order for a text, the best first; those that do not fit are left out.",
        {
            "text": TEXT,
            "labels": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 2,
                "maxItems": MOST_RANKED,
                "description": "The ids of the labels.",
            },
        },
        ("text", "labels"),
        run,
        ("rank", "TEXT | LABEL | LABEL …"),
        parse,
        {"text": Slot("text", "Which text?"), "labels": Slot("label", "Which labels?")},
    )
