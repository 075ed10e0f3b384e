"""Parts of a walk by themselves: the navigator at one node, the general expert over a few labels."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from taxonaut.conversation.answers import answer, folded
from taxonaut.conversation.nlu.mentions import candidates, find_label, find_place, node_of, path_of
from taxonaut.conversation.tools.toolkit import NODE, Arguments, Desk, made
from taxonaut.conversation.tools.walk import TEXT, ready, text_item
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
"""The kind of the runs to which single decisions belong."""

SHOWN = 12
MOST_RANKED = 50


def tools(desk: Desk) -> list[Tool]:
    """Return the tools that take single decisions."""
    return [expand_tool(desk), rank_tool(desk)]


@contextmanager
def step_run(desk: Desk, item: Item) -> Iterator[RunUnits]:
    """Open the run that single decisions on this index and these settings belong to, and keep the item."""
    settings = {
        "index": desk.index.version(),
        "version": version.VERSION,
        **desk.workspace.config.deciding(),
    }
    desk.workspace.items.put([item])
    with Resumable(desk.workspace.runs, KIND, settings).recording() as run:
        desk.spent(run.id)
        yield run


def expand_tool(desk: Desk) -> Tool:
    """Return the tool `expand_node`."""
    index = desk.index

    async def run(arguments: Arguments) -> Outcome:
        item, node = text_item(arguments["text"]), node_of(index, arguments["node"])
        (expansion,) = expand_node(index, [node])
        if expansion.is_terminal:
            raise InputError(
                f"{' > '.join(path_of(index, node)) or 'the top'!r} has no branches to choose from"
            )
        await ready(desk)
        path, ancestors = path_of(index, node), desk.workspace.policy().ancestors
        with step_run(desk, item) as run:
            navigator = desk.workspace.wiring.navigator()
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
        text = answer(
            "expand_node", path=path, chosen=chosen[:SHOWN], branches=len(names), error=error, text=item.text
        )
        line = ", ".join(f"{row['name']} {row['score']:.2f}" for row in chosen[:3]) or "no branch fits"
        data = {"node": node, "path": list(path), "text": item.text, "chosen": chosen, "error": error}
        return Outcome(text, folded(line), data, Focus(item.text, (node,), run=run.id), foreign=True)

    def parse(words: str) -> Arguments:
        node, text = split_first(words)
        return {"node": find_place(index, node), "text": text}

    def split_first(words: str) -> tuple[str, str]:
        """Cut `NODE TEXT`: a bar or quotation marks between them, else the longest beginning that is a name."""
        for sign in ("|", '"', "“"):
            if sign in words.strip()[1:]:
                node, _, text = words.strip().partition(sign)
                return node.strip(), text.strip().strip('"”')
        parts = words.split()
        for count in range(len(parts) - 1, 0, -1):
            node = " ".join(parts[:count])
            if candidates(index, node):
                return node, " ".join(parts[count:])
        raise InputError(f"{words!r} names no category and text; write: /open NODE | TEXT")

    return made(
        "expand_node",
        "Take one step of a walk: which branches of a category the navigator would open for a text.",
        {"node": NODE, "text": TEXT},
        ("node", "text"),
        run,
        ("open", "NODE | TEXT"),
        parse,
        {"node": Slot("node", "At which category?"), "text": Slot("text", "Which text?")},
    )


def rank_tool(desk: Desk) -> Tool:
    """Return the tool `rank_candidates`."""
    index = desk.index

    async def run(arguments: Arguments) -> Outcome:
        item = text_item(arguments["text"])
        ids = list(dict.fromkeys(LabelId(str(each)) for each in arguments["labels"]))
        if not 2 <= len(ids) <= MOST_RANKED:
            raise InputError(f"{len(ids)} different labels are given; give 2 to {MOST_RANKED}")
        labels = {label.id: label for label in index.labels(ids)}
        await ready(desk)
        paths = {id_: ways[0] for id_, ways in index.paths_of(ids).items() if ways}
        with step_run(desk, item) as run:
            (found,) = await desk.workspace.wiring.general_expert().rank([(item, ids)], labels, paths)
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
        text = answer("rank_candidates", text=item.text, ranked=ranked, left=left, error=error)
        line = ", ".join(f"{row['name']} {row['score']:.2f}" for row in ranked[:3]) or "none fits"
        data = {"text": item.text, "ranked": ranked, "left_out": left, "error": error}
        focus = Focus(item.text, labels=tuple(row["id"] for row in ranked), run=run.id)
        return Outcome(text, folded(line), data, focus, foreign=True)

    def parse(words: str) -> Arguments:
        text, *labels = (part.strip() for part in words.split("|"))
        if not text or len(labels) < 2:
            raise InputError("give a text and two labels or more; write: /rank TEXT | LABEL | LABEL")
        return {"text": text, "labels": [find_label(index, label) for label in labels]}

    return made(
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
