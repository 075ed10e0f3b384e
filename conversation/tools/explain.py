"""Why a text went where it went, and what became of a category that it did not go to."""

from collections.abc import Iterator
from typing import Any

from taxonaut.conversation.answers import answer, folded
from taxonaut.conversation.nlu.mentions import find_place, path_of, place_of
from taxonaut.conversation.tools.toolkit import NODE, Arguments, Desk, about, made, parted
from taxonaut.conversation.tools.walk import TEXT, classified, text_item
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool
from taxonaut.workspace.walk.explanation import Explanation, Step
from taxonaut.workspace.walk.label_outcomes import MEANING, LabelOutcome

REASONS = {
    "threshold": "it was chosen, but scored below the threshold",
    "beam": "it was chosen, but fell out of the beam",
    "budget": "it was chosen, but the terminal budget was used up",
}

Row = dict[str, Any]


def tools(desk: Desk) -> list[Tool]:
    """Return the tool `explain`."""
    return [explain_tool(desk)]


def explain_tool(desk: Desk) -> Tool:
    """Return the tool `explain`."""
    index = desk.index

    async def run(arguments: Arguments) -> Outcome:
        given = str(arguments.get("text") or desk.focus.text)
        if not given:
            raise InputError("no text was looked at yet; say which: /why TEXT, or first /where TEXT")
        item = text_item(given)
        place = None if arguments.get("node") is None else place_of(index, arguments["node"])
        walk = await walked(desk, item, place)
        chosen = chosen_row(index, walk)
        asked = None if place is None else asked_row(index, walk, place)
        if asked is not None and asked["fate"] == "ranked low":
            asked |= ranked_low(desk, walk, place)
        text = answer("explain", text=item.text, chosen=chosen, asked=asked, changed=walk.index_changed)
        data = {"text": item.text, "chosen": chosen, "asked": asked, "index_changed": walk.index_changed}
        focus = Focus(text=item.text) if place is None else about(place)
        line = asked["said"] if asked else (chosen["name"] if chosen else "no label fits")
        return Outcome(text, folded(line), data, focus_with(focus, item, walk), foreign=True)

    def parse(words: str) -> Arguments:
        text, place = parted(words, "under", "in", "below", "not")
        text = text.removesuffix("not").strip()
        if not place:
            return {"text": text} if text else {}
        found: dict[str, Any] = {"node": find_place(index, place)}
        return {"text": text, **found} if text else found

    return made(
        "explain",
        "Say why a text got its labels, and what became of a category it did not get. Without a text: the last one.",
        {"text": TEXT, "node": NODE},
        (),
        run,
        ("why", "[TEXT] [not under NODE]"),
        parse,
        {
            "text": Slot("text", "Which text?", required=False),
            "node": Slot("node", "Which category?", required=False),
        },
    )


def focus_with(focus: Focus, item: Item, walk: Explanation) -> Focus:
    """Return the focus with the text and the run of the walk."""
    return Focus(item.text, focus.nodes, focus.labels, run=walk.run_id)


async def walked(desk: Desk, item: Item, place: Place | None) -> Explanation:
    """Return the walk that is kept of a text, or make one."""
    gold = [place] if isinstance(place, str) else []
    try:
        return desk.workspace.explain(item.id, gold)
    except NotFoundError:
        await classified(desk, item)
        return desk.workspace.explain(item.id, gold)


def chosen_row(index: Index, walk: Explanation) -> Row | None:
    """Return the first label of the answer, what earned it, and the scores of the branches on its way."""
    if not walk.ranking:
        return None
    first = walk.ranking[0]
    scores = {step.node: step.score for step, _ in steps(walk.root) if step.opened}
    known = list(index.placements_of(first.label_id)) if index.has_label(first.label_id) else []
    way = index.node_paths(known[:1])[known[0]] if known else ()
    return {
        "id": first.label_id,
        "name": first.name,
        "path": list(first.path),
        "score": round(first.score, 4),
        "evidence": first.evidence,
        "way": [
            {"name": node.name, "score": scores[node.id]} for node in index.nodes(way) if node.id in scores
        ],
    }


def asked_row(index: Index, walk: Explanation, place: Place) -> Row:
    """Say what became of the category that was asked about."""
    row: Row = {"id": place, "path": list(path_of(index, place))}
    if isinstance(place, str):
        return row | label_fate(index, walk, walk.outcomes[0])
    if place == index.root():
        return row | {"fate": "opened", "said": "each walk begins at the top"}
    seen = {step.node: (step, above) for step, above in reversed(list(steps(walk.root)))}
    opened = {step.node for step, _ in steps(walk.root) if step.opened}
    if place in opened:
        return row | opened_fate(index, walk, place)
    if place in seen:
        return row | closed_fate(index, *seen[place])
    way = [index.root(), *index.node_paths([place])[place]]
    last = next((node for node in reversed(way[:-1]) if node in seen or node == index.root()), index.root())
    if last in opened or last == index.root():
        return row | {
            "fate": "not asked",
            "said": f"the walk ended at {quoted(index, last)}, above it, before its branches were looked at",
        }
    said = closed_fate(index, *seen[last])
    return row | said | {"said": f"it was not shown, for the branch above it stayed closed: {said['said']}"}


def steps(step: Step, above: Step | None = None) -> Iterator[tuple[Step, Step | None]]:
    """Give each step of a walk with the one above it, from the top down."""
    yield step, above
    for below in step.steps:
        yield from steps(below, step)


def opened_fate(index: Index, walk: Explanation, node: NodeId) -> Row:
    """Say what an opened node came to: the best of its labels in the answer."""
    found = next(step for step, _ in steps(walk.root) if step.node == node and step.opened)
    at = "opened" if found.score is None else f"opened, scored {found.score:.2f}"
    for place, label in enumerate(walk.ranking, start=1):
        if index.has_label(label.label_id) and is_under(index, label.label_id, node):
            said = f"it was {at}; the best of it is {label.name!r}, place {place}{scored(label.score)}"
            return {"fate": "opened", "score": found.score, "rank": place, "said": said}
    said = f"it was {at}, but none of its labels is among the first {len(walk.ranking)}"
    return {"fate": "opened", "score": found.score, "said": said}


def closed_fate(index: Index, step: Step, above: Step | None) -> Row:
    """Say why a branch that the walk saw stayed closed, beside the best that was opened there."""
    beside = above.steps if above is not None else []
    order = sorted(beside, key=lambda each: -(each.score if each.score is not None else 0.0))
    place = next((at for at, each in enumerate(order, start=1) if each is step), None)
    best = next((each for each in order if each.opened), None)
    where = "the top" if above is None or above.node == index.root() else quoted(index, above.node)
    why = REASONS[step.dropped] if step.dropped else "it was passed by"
    rank = f", place {place} of {len(beside)}" if step.score is not None and place else ""
    said = f"at {where}, {quoted(index, step.node)}{scored(step.score)}{rank}: {why}"
    if best is not None:
        said += f"; the best opened there is {quoted(index, best.node)}{scored(best.score)}"
    return {"fate": step.dropped or "not opened", "score": step.score, "place": place, "said": said}


def label_fate(index: Index, walk: Explanation, fate: LabelOutcome) -> Row:
    """Say what became of a label: its place in the answer, or where it was lost."""
    row: Row = {"fate": fate.outcome, "rank": fate.rank, "score": fate.score}
    if fate.rank is not None:
        own = walk.ranking[fate.rank - 1].score
        row["score"] = own
        return row | {"said": f"it is in the answer, place {fate.rank}{scored(own)}"}
    said = MEANING[fate.outcome]
    if fate.node is not None and fate.branch is not None:
        rank = f", place {fate.place} of {fate.siblings}" if fate.place else ""
        said = (
            f"at {quoted(index, fate.node)}, {quoted(index, fate.branch)}{scored(fate.score)}{rank}: {said}"
        )
        if fate.opened is not None:
            best = scored(fate.opened_score)
            said += f"; the best opened there is {quoted(index, fate.opened)}{best}"
    return row | {"said": said}


def ranked_low(desk: Desk, walk: Explanation, place: Place | None) -> Row:
    """Say at which place the general expert had a label that is not in the answer, if it gave scores."""
    made = desk.workspace.decisions.for_item(walk.run_id, walk.item.id)
    ranking = next((each for each in reversed(made) if each.node_id is None), None)
    if ranking is None or not ranking.scores or place not in ranking.options:
        return {}
    scores = dict(zip(ranking.options, ranking.scores, strict=True))
    own = scores[str(place)]
    rank = 1 + sum(score > own for score in scores.values())
    said = f"it was ranked {rank} of {len(scores)}{scored(own)}; the answer has the first {len(walk.ranking)}"
    return {"rank": rank, "score": own, "said": said}


def is_under(index: Index, label: LabelId, node: NodeId) -> bool:
    """Whether a label stands in a node or below it."""
    waiting, seen = list(index.placements_of(label)), set[NodeId]()
    while waiting:
        here = waiting.pop()
        if here == node:
            return True
        if here not in seen:
            seen.add(here)
            waiting += [parent.id for parent in index.parents(here)]
    return False


def quoted(index: Index, node: NodeId) -> str:
    """Return a node's name between quotation marks."""
    if node == index.root():
        return "the top"
    return f"“{index.node(node).name}”" if index.has_node(node) else f"node {node}"


def scored(score: float | None) -> str:
    """Return a score as it follows a name; nothing without one."""
    return "" if score is None else f" ({score:.2f})"
