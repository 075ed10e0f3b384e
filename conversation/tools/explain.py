"""The tool `explain`: why a text got its labels, and why not another."""

from collections.abc import Iterator
from typing import Any

from taxonaut.conversation.answers import one_line, render_answer
from taxonaut.conversation.nlu.mentions import find_place, path_names, resolve_place
from taxonaut.conversation.tools.toolkit import NODE, Arguments, ToolContext, build_tool, focus_on, split_at
from taxonaut.conversation.tools.walk import TEXT, build_item, classify_item
from taxonaut.models.catalog import ENCODER
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


def tools(context: ToolContext) -> list[Tool]:
    """Return the tool `explain`."""
    return [explain_tool(context)]


def explain_tool(context: ToolContext) -> Tool:
    """Return the tool `explain`."""
    index = context.index

    async def run(arguments: Arguments) -> Outcome:
        given = str(arguments.get("text") or context.focus.text)
        if not given:
            raise InputError("no text was looked at yet; give one: /why TEXT, or first /where TEXT")
        item = build_item(given)
        place = None if arguments.get("node") is None else resolve_place(index, arguments["node"])
        walk = await load_or_walk(context, item, place)
        chosen = explain_chosen(index, walk)
        asked = None if place is None else explain_asked(index, walk, place)
        if asked is not None and asked["fate"] == "ranked low":
            asked |= explain_low_rank(context, walk, place)
        text = render_answer(
            "explain",
            text=item.text,
            chosen=chosen,
            asked=asked,
            changed=walk.index_changed,
            by="similarity" if ranks_by_similarity(context) else "score",
        )
        data = {"text": item.text, "chosen": chosen, "asked": asked, "index_changed": walk.index_changed}
        focus = Focus(text=item.text) if place is None else focus_on(place)
        line = asked["said"] if asked else (chosen["name"] if chosen else "no label fits")
        focus = Focus(item.text, focus.nodes, focus.labels, run=walk.run_id)
        return Outcome(text, one_line(line), data, focus, foreign=True)

    def parse(words: str) -> Arguments:
        text, place = split_at(words, "under", "in", "below", "not")
        text = text.removesuffix("not").strip()
        if not place:
            return {"text": text} if text else {}
        found: dict[str, Any] = {"node": find_place(index, place)}
        return {"text": text, **found} if text else found

    return build_tool(
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


def ranks_by_similarity(context: ToolContext) -> bool:
    """Whether the scores of steps are similarities alone, and those of the answer are probabilities made of them."""
    workspace = context.workspace
    return (
        workspace.config.models.general_expert.provider == ENCODER and workspace.wiring.scorer.learned is None
    )


async def load_or_walk(context: ToolContext, item: Item, place: Place | None) -> Explanation:
    """Load the latest walk of a text, or classify it."""
    gold = [place] if isinstance(place, str) else []
    try:
        return context.workspace.explain(item.id, gold)
    except NotFoundError:
        await classify_item(context, item)
        return context.workspace.explain(item.id, gold)


def explain_chosen(index: Index, walk: Explanation) -> Row | None:
    """Return the top label with its evidence, and the scores of the branches on its path."""
    if not walk.ranking:
        return None
    first = walk.ranking[0]
    scores = {step.node: step.score for step, _ in iter_steps(walk.root) if step.opened}
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
        "sources": [
            {"source": each.source, "score": round(each.score, 2), "why": each.why}
            for each in walk.shares
            if each.label_id == first.label_id
        ],
    }


def explain_asked(index: Index, walk: Explanation, place: Place) -> Row:
    """Explain the category that was asked about."""
    row: Row = {"id": place, "path": list(path_names(index, place))}
    if isinstance(place, str):
        return row | explain_label(index, walk, walk.outcomes[0])
    if place == index.root():
        return row | {"fate": "opened", "said": "each walk begins at the top"}
    seen = {step.node: (step, above) for step, above in reversed(list(iter_steps(walk.root)))}
    opened = {step.node for step, _ in iter_steps(walk.root) if step.opened}
    if place in opened:
        return row | explain_opened(index, walk, place)
    if place in seen:
        return row | explain_closed(index, *seen[place])
    way = [index.root(), *index.node_paths([place])[place]]
    last = next((node for node in reversed(way[:-1]) if node in seen or node == index.root()), index.root())
    if last in opened or last == index.root():
        return row | {
            "fate": "not asked",
            "said": f"the walk ended at {quote_node(index, last)}, above it, before its branches were looked at",
        }
    said = explain_closed(index, *seen[last])
    return row | said | {"said": f"it was not shown, for the branch above it stayed closed: {said['said']}"}


def iter_steps(step: Step, above: Step | None = None) -> Iterator[tuple[Step, Step | None]]:
    """Yield each step of a walk with its parent step, depth first."""
    yield step, above
    for below in step.steps:
        yield from iter_steps(below, step)


def explain_opened(index: Index, walk: Explanation, node: NodeId) -> Row:
    """Explain an opened node: the best of its labels in the answer."""
    found = next(step for step, _ in iter_steps(walk.root) if step.node == node and step.opened)
    at = "opened" if found.score is None else f"opened, scored {found.score:.2f}"
    for place, label in enumerate(walk.ranking, start=1):
        if index.has_label(label.label_id) and is_under(index, label.label_id, node):
            said = f"it was {at}; the best of it is {label.name!r}, place {place}{format_score(label.score)}"
            return {"fate": "opened", "score": found.score, "rank": place, "said": said}
    said = f"it was {at}, but none of its labels is among the first {len(walk.ranking)}"
    return {"fate": "opened", "score": found.score, "said": said}


def explain_closed(index: Index, step: Step, above: Step | None) -> Row:
    """Explain why a branch was not opened, compared with the best sibling that was."""
    siblings = above.steps if above is not None else []
    order = sorted(siblings, key=lambda each: -(each.score if each.score is not None else 0.0))
    place = next((at for at, each in enumerate(order, start=1) if each is step), None)
    best = next((each for each in order if each.opened), None)
    where = "the top" if above is None or above.node == index.root() else quote_node(index, above.node)
    why = REASONS[step.dropped] if step.dropped else "it was passed by"
    rank = f", place {place} of {len(siblings)}" if step.score is not None and place else ""
    said = f"at {where}, {quote_node(index, step.node)}{format_score(step.score)}{rank}: {why}"
    if best is not None:
        said += f"; the best opened there is {quote_node(index, best.node)}{format_score(best.score)}"
    return {"fate": step.dropped or "not opened", "score": step.score, "place": place, "said": said}


def explain_label(index: Index, walk: Explanation, fate: LabelOutcome) -> Row:
    """Explain a label: its rank in the answer, or where it was lost."""
    row: Row = {"fate": fate.outcome, "rank": fate.rank, "score": fate.score}
    if fate.rank is not None:
        own = walk.ranking[fate.rank - 1].score
        row["score"] = own
        return row | {"said": f"it is in the answer, place {fate.rank}{format_score(own)}"}
    said = MEANING[fate.outcome]
    if fate.node is not None and fate.branch is not None:
        rank = f", place {fate.place} of {fate.siblings}" if fate.place else ""
        branch = f"{quote_node(index, fate.branch)}{format_score(fate.score)}{rank}"
        said = f"at {quote_node(index, fate.node)}, {branch}: {said}"
        if fate.opened is not None:
            best = format_score(fate.opened_score)
            said += f"; the best opened there is {quote_node(index, fate.opened)}{best}"
    return row | {"said": said}


def explain_low_rank(context: ToolContext, walk: Explanation, place: Place | None) -> Row:
    """Return the rank that the general expert gave a label outside the answer, if it gave scores."""
    decisions = context.workspace.decisions.for_item(walk.run_id, walk.item.id)
    ranking = next((each for each in reversed(decisions) if each.node_id is None), None)
    if ranking is None or not ranking.scores or place not in ranking.options:
        return {}
    scores = dict(zip(ranking.options, ranking.scores, strict=True))
    own = scores[str(place)]
    rank = 1 + sum(score > own for score in scores.values())
    likeness = f", similarity {own:.2f}" if ranks_by_similarity(context) else format_score(own)
    said = f"it was ranked {rank} of {len(scores)}{likeness}; the answer has the first {len(walk.ranking)}"
    return {"rank": rank, "score": own, "said": said}


def is_under(index: Index, label: LabelId, node: NodeId) -> bool:
    """Return whether a label is in a node or below it."""
    waiting, seen = list(index.placements_of(label)), set[NodeId]()
    while waiting:
        here = waiting.pop()
        if here == node:
            return True
        if here not in seen:
            seen.add(here)
            waiting += [parent.id for parent in index.parents(here)]
    return False


def quote_node(index: Index, node: NodeId) -> str:
    """Return a node's name in quotation marks."""
    if node == index.root():
        return "the top"
    return f"“{index.node(node).name}”" if index.has_node(node) else f"node {node}"


def format_score(score: float | None) -> str:
    """Format a score as it follows a name; empty for None."""
    return "" if score is None else f" ({score:.2f})"
