"""The tools `list_children`, `describe_category` and `search_labels`: look at the tree."""

from typing import Any

from taxonaut.conversation.answers import one_line, render_answer
from taxonaut.conversation.nlu.mentions import find_place, path_names, resolve_node, resolve_place
from taxonaut.conversation.tools.toolkit import NODE, Arguments, ToolContext, build_tool, focus_on
from taxonaut.state.errors import InputError
from taxonaut.state.ids import NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node
from taxonaut.tools.list_children import list_children
from taxonaut.tools.search_labels import MOST, search_labels
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool

SHOWN = 24
"""Maximum branches, and labels, listed in an answer."""

HITS = 10


def tools(context: ToolContext) -> list[Tool]:
    """Return the tools that look at the tree."""
    return [children_tool(context), describe_tool(context), search_tool(context)]


def children_tool(context: ToolContext) -> Tool:
    """Return the tool `list_children`."""
    index = context.index

    async def run(arguments: Arguments) -> Outcome:
        node = resolve_node(index, arguments.get("node", index.root()))
        found = list_children(index, node)
        own = index.node(node).label_id
        labels = [label for label in found.labels if label.id != own]
        below = index.children_of([branch.id for branch in found.branches])
        held = index.labels_under([branch.id for branch in found.branches])
        branches = [branch_row(b, len(below[b.id]), len(held[b.id])) for b in found.branches]
        path = path_names(index, node)
        text = render_answer(
            "list_children",
            path=path,
            node=node,
            branches=branches[:SHOWN],
            more_branches=len(branches) - SHOWN,
            labels=[label.name for label in labels[:SHOWN]],
            more_labels=len(labels) - SHOWN,
        )
        names = [branch["name"] for branch in branches] + [label.name for label in labels]
        data = {
            "node": node,
            "path": list(path),
            "branches": branches,
            "labels": [{"id": label.id, "name": label.name} for label in labels],
        }
        line = f"{path[-1] if path else 'the top'}: {', '.join(names) or 'nothing'}"
        return Outcome(text, one_line(line), data, Focus(nodes=(node,)))

    def parse(words: str) -> Arguments:
        return {"node": find_place(index, words) if words.strip() else index.root()}

    return build_tool(
        "list_children",
        "List the branches right under a category and the labels in it. Without an id: the top level.",
        {"node": NODE},
        (),
        run,
        ("under", "[NODE]"),
        parse,
        {"node": Slot("node", "Under which category?", required=False)},
    )


def branch_row(branch: Node, below: int, held: int) -> dict[str, Any]:
    """Return a branch with the number of its branches and labels; its own label is not counted."""
    return {
        "id": branch.id,
        "name": branch.name,
        "branches": below,
        "labels": held - (branch.label_id is not None),
    }


def describe_tool(context: ToolContext) -> Tool:
    """Return the tool `describe_category`."""
    index = context.index

    async def run(arguments: Arguments) -> Outcome:
        given = [arguments[name] for name in ("node", "other") if arguments.get(name) is not None]
        places = [resolve_place(index, each) for each in given] or [index.root()]
        rows = [place_row(index, place) for place in places]
        shared = [
            one for one, *others in zip(*(row["path"] for row in rows), strict=False) if [one] == others
        ]
        text = render_answer("describe_category", rows=rows, shared=shared)
        line = "; ".join(f"{' > '.join(row['path']) or 'the top'}: {row['labels']} labels" for row in rows)
        return Outcome(text, one_line(line), {"categories": rows, "shared": shared}, focus_on(*places))

    def parse(words: str) -> Arguments:
        first, _, second = words.partition(" | ")
        found = {"node": find_place(index, first) if first.strip() else index.root()}
        return {**found, "other": find_place(index, second)} if second.strip() else found

    return build_tool(
        "describe_category",
        "Give the path of a category and count what is below it; two side by side. Without an id: the whole tree.",
        {"node": NODE, "other": {**NODE, "description": "The id of another category to compare with."}},
        (),
        run,
        ("about", "[NODE] [| NODE]"),
        parse,
        {
            "node": Slot("node", "Which category?", required=False),
            "other": Slot("node", "And which other one?", required=False),
        },
    )


def place_row(index: Index, place: Place) -> dict[str, Any]:
    """Return a place with path, description, and the numbers of branches, labels and levels below it."""
    row: dict[str, Any] = {
        "id": place,
        "path": list(path_names(index, place)),
        "branches": 0,
        "labels": 0,
        "levels": 0,
    }
    if isinstance(place, str):
        return row | {"description": index.label(place).description}
    level, seen = [place], {place}
    labels = set(index.labels_under([place])[place])
    while level := [b.id for each in index.children_of(level).values() for b in each if b.id not in seen]:
        level = list(dict.fromkeys(level))
        seen.update(level)
        row["levels"] += 1
        below = index.labels_under(level)
        labels.update(*below.values())
    node = index.node(place)
    return row | {
        "description": node.description,
        "branches": len(seen) - 1,
        "labels": len(labels - {node.label_id}),
    }


def search_tool(context: ToolContext) -> Tool:
    """Return the tool `search_labels`, which also finds categories that are not labels."""
    index = context.index

    async def run(arguments: Arguments) -> Outcome:
        query, limit = str(arguments["query"]), int(arguments.get("limit", HITS))
        hits = search_labels(index, query, limit)
        seen = {resolve_place(index, hit.label_id) for hit in hits}
        nodes = [
            node for node in index.search_nodes(query, limit) if node.id not in seen and not node.label_id
        ]
        ways = index.node_paths([node.id for node in nodes])
        rows: list[dict[str, Any]] = [
            {"label": hit.label_id, "name": hit.name, "paths": [list(path) for path in hit.paths]}
            for hit in hits
        ]
        rows += [
            {
                "node": node.id,
                "name": node.name,
                "paths": [[each.name for each in index.nodes(ways[node.id])]],
            }
            for node in nodes
        ]
        best = sort_hits(rows, query)[:limit]
        text = render_answer("search_labels", query=query, hits=best)
        places = [
            resolve_place(index, row["label"]) if "label" in row else NodeId(row["node"]) for row in best
        ]
        focus = focus_on(*places)
        line = ", ".join(row["name"] for row in best) or f"nothing has “{query}” in its name"
        return Outcome(text, one_line(line), {"query": query, "hits": best}, focus)

    def parse(words: str) -> Arguments:
        if not words.strip():
            raise InputError("no search words are given; write: /find wireless headphones")
        return {"query": words.strip()}

    return build_tool(
        "search_labels",
        "Find labels and categories by words of their names; gives ids and paths.",
        {
            "query": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Words of a name."},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "description": "Most hits."},
        },
        ("query",),
        run,
        ("find", "WORDS"),
        parse,
        {
            "query": Slot("words", "What shall I look for?"),
            "limit": Slot("number", "How many at most?", required=False),
        },
    )


def sort_hits(rows: list[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    """Sort hits by the number of query words in the name, then by length, as each search does."""
    words = list(dict.fromkeys(query.lower().split()))

    def rank(row: dict[str, Any]) -> tuple[int, int]:
        name = row["name"].lower()
        return -sum(word in name for word in words), len(row["name"])

    return sorted(rows, key=rank)
