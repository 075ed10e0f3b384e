"""The tools that change the tree: add, place, move, rename, merge, split and remove."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ParamSpec

from taxonaut.conversation.nlu.mentions import (
    find_label,
    find_place,
    format_name,
    path_names,
    resolve_node,
    resolve_place,
)
from taxonaut.conversation.tools.toolkit import (
    NODE,
    Arguments,
    ChangeTool,
    Parse,
    Plan,
    ToolContext,
    build_change,
    focus_on,
    split_at,
)
from taxonaut.state.errors import InputError, ToolError
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.tools import (
    assign_label,
    merge_labels,
    merge_nodes,
    move_node,
    remove_node,
    rename_node,
    retire_labels,
)
from taxonaut.tools.edit.rename_label import rename_label
from taxonaut.tools.support.chat_tool import Focus, Slot
from taxonaut.tools.support.index_changes import as_tool_errors
from taxonaut.tools.write.propose_category import LONGEST_NAME, category_name, propose_category
from taxonaut.workspace.build.add_labels import SPLIT_METHODS
from taxonaut.workspace.build.place_by_path import Placements, apply_placements
from taxonaut.workspace.build.split_node import abuild_subtree, split_size
from taxonaut.workspace.core.text_format import PATH_SIGN
from taxonaut.workspace.files.label_graph import LabelRow
from taxonaut.workspace.labels.label_changes import make_label_id

P = ParamSpec("P")

BATCH = "conversation"
"""The batch of labels added in conversations."""

NODES_ONLY = (*SPLIT_METHODS, "vocabulary", "empty")
"""Build methods whose categories are not labels."""


def add_category(index: Index, above: Sequence[Place], name: str, description: str = "") -> NodeId:
    """Add a category under a place, within a transaction and a change.

    In a native tree it becomes a label with a node, so that texts can get it; a label above it becomes a node. In a
    built tree it becomes a node only. Raises ToolError if the name is not distinct there, InputError for a place
    that is a label of a built tree.
    """
    (place,) = above
    if index.tree_method() in NODES_ONLY:
        if isinstance(place, str):
            raise InputError(
                f"{index.label(place).name!r} is a label; in a built tree, categories go under other categories"
            )
        return propose_category(index, place, name, description).id
    holder = index.label(place).name if isinstance(place, str) else index.node(place).name
    siblings: list[str] = []
    if isinstance(place, int):
        own = index.node(place).label_id
        siblings = [child.name for child in index.children(place)]
        siblings += [label.name for label in index.labels_at(place) if label.id != own]
    label = Label(make_label_id(index, name), category_name(name, holder, siblings), description, BATCH)
    with as_tool_errors():
        index.add_labels([label])
        inner = {label.id, place} if isinstance(place, str) else {label.id}
        placements = Placements(
            {label.id: (place,)}, {label.id: LabelRow(label)}, frozenset(inner), (label.id,), ()
        )
        return apply_placements(index, placements)[label.id][0]


NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}


def change_tools(context: ToolContext) -> list[ChangeTool]:
    """Return the tools that change the tree."""
    return [
        propose_tool(context),
        assign_tool(context),
        move_tool(context),
        rename_tool(context),
        merge_tool(context),
        split_tool(context),
        remove_tool(context),
    ]


def path_title(index: Index, place: Place) -> str:
    """Return a place's path for a title."""
    return PATH_SIGN.join(map(format_name, path_names(index, place))) or "the top"


def propose_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `propose_category`."""
    index = context.index

    async def plan(arguments: Arguments) -> Plan:
        above = find_parents(index, arguments)
        name = " ".join(str(arguments["name"]).split())
        paths = ", ".join(path_title(index, place) for place in above)

        def make() -> Focus:
            return focus_on(add_category(index, above, name, str(arguments.get("description", ""))))

        twins = [label.id for label in index.labels_named([name])]
        warnings = [f"{format_name(name)} is there already: {path_title(index, twin)}" for twin in twins[:3]]
        return Plan(f"add {format_name(name)} under {paths}", make, tuple(warnings))

    def parse(words: str) -> Arguments:
        name, place = split_at(words, "under", "below", "in")
        if place:
            return {"name": name, "parent": find_place(index, place)}
        name, place = split_at(words, "beside", "next to")
        if not place or not name:
            raise InputError(f"{words!r} does not say what goes where; write: /add NAME under NODE")
        return {"name": name, "beside": find_place(index, place)}

    return build_change(
        "propose_category",
        "Add a category under another, or beside one (give parent or beside). A person is asked first.",
        {
            "name": {**NAME, "description": "Its name."},
            "parent": {**NODE, "description": "The id of the category it goes under; 1 is the top."},
            "beside": {**NODE, "description": "The id of the category it stands next to."},
            "description": {"type": "string", "description": "One sentence: what belongs here."},
        },
        ("name",),
        plan,
        ("add", "NAME under NODE | NAME beside NODE"),
        parse,
        {
            "name": Slot("name", "What shall the category be called?"),
            "parent": Slot("node", "Under which category?", required=False),
            "beside": Slot("node", "Next to which category?", required=False),
        },
    )


def find_parents(index: Index, arguments: Arguments) -> list[Place]:
    """Return where a category goes: under the given parent, or under the parent of the one next to it."""
    if arguments.get("parent") is not None:
        return [resolve_place(index, arguments["parent"])]
    if arguments.get("beside") is None:
        raise InputError("no place is given for the category; name the one it goes under, or next to")
    place = resolve_place(index, arguments["beside"])
    if isinstance(place, str):
        return list(index.placements_of(place)[:1])
    if place == index.root():
        raise InputError("nothing can be beside the top; add it under the top, or name another category")
    return [index.parents(place)[0].id]


def assign_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `assign_label`."""
    index = context.index
    find = partial(find_place, index)

    async def plan(arguments: Arguments) -> Plan:
        label, node = index.label(LabelId(str(arguments["label"]))), resolve_node(index, arguments["node"])
        if node in index.placements_of(label.id):
            raise ToolError(f"{format_name(label.name)!r} is already in {path_title(index, node)}")
        title = f"place {format_name(label.name)} also in {path_title(index, node)}"
        focus = Focus(nodes=(node,), labels=(label.id,))
        return plan_call(title, focus, assign_label, index, label.id, [node])

    return build_change(
        "assign_label",
        "Place a label in one more category; where it stands already it stays. A person is asked first.",
        {"label": {"type": "string", "description": "The id of the label."}, "node": NODE},
        ("label", "node"),
        plan,
        ("place", "LABEL under NODE"),
        parse_pair(
            "/place LABEL under NODE", ("under", "in", "to"), label=partial(find_label, index), node=find
        ),
        {"label": Slot("label", "Which label?"), "node": Slot("node", "Under which category?")},
    )


def move_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `move_node`, which also moves labels without a node."""
    index = context.index
    find = partial(find_place, index)

    async def plan(arguments: Arguments) -> Plan:
        place, to = resolve_place(index, arguments["node"]), resolve_node(index, arguments["to"])
        given = arguments.get("leaving")
        leaving = None if given is None else resolve_node(index, given)
        title = f"move {path_title(index, place)} under {path_title(index, to)}"
        if isinstance(place, int):
            return plan_call(title, focus_on(place), move_node, index, place, to, leaving)
        return plan_call(title, focus_on(place), move_label, index, place, to, leaving)

    return build_change(
        "move_node",
        "Move a category, with everything below it, under another. A person is asked first.",
        {
            "node": {**NODE, "description": "The id of the category that moves."},
            "to": {**NODE, "description": "The id of its new parent."},
            "leaving": {**NODE, "description": "The id of the parent it leaves, where it has several."},
        },
        ("node", "to"),
        plan,
        ("move", "NODE to NODE"),
        parse_pair("/move NODE to NODE", ("to", "under", "into", "below"), node=find, to=find),
        {"node": Slot("node", "What shall move?"), "to": Slot("node", "Where to?")},
    )


def move_label(index: Index, label: LabelId, to: NodeId, leaving: NodeId | None) -> None:
    """Move a label from one node to another."""
    there = index.placements_of(label)
    if to in there:
        raise ToolError(f"{format_name(index.label(label).name)!r} is already in {path_title(index, to)}")
    if leaving is None and len(there) > 1:
        ways = ", ".join(path_title(index, node) for node in there)
        raise ToolError(f"{format_name(index.label(label).name)!r} is in {ways}; say which of them it leaves")
    index.place(label, [to])
    if there:
        index.unplace(label, there[0] if leaving is None else leaving)


def rename_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `rename_node`, which also renames labels without a node."""
    index = context.index
    find = partial(find_place, index)

    async def plan(arguments: Arguments) -> Plan:
        place, name = resolve_place(index, arguments["node"]), " ".join(str(arguments["name"]).split())
        title = f"rename {path_title(index, place)} to {format_name(name)}"
        if isinstance(place, int):
            return plan_call(title, focus_on(place), rename_node, index, place, name)
        return plan_call(title, focus_on(place), rename_label, index, place, name)

    return build_change(
        "rename_node",
        "Give a category another name; one without branches, too. A person is asked first.",
        {"node": NODE, "name": {**NAME, "description": "Its new name."}},
        ("node", "name"),
        plan,
        ("rename", "NODE to NAME"),
        parse_pair("/rename NODE to NAME", ("to",), node=find, name=str),
        {"node": Slot("node", "Which category?"), "name": Slot("name", "What shall it be called?")},
    )


def merge_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `merge_nodes`."""
    index = context.index
    find = partial(find_place, index)

    async def plan(arguments: Arguments) -> Plan:
        keep, away = resolve_place(index, arguments["keep"]), resolve_place(index, arguments["away"])
        title = f"merge {path_title(index, away)} into {path_title(index, keep)}"
        if isinstance(keep, int) and isinstance(away, int):
            return plan_call(title, focus_on(keep), merge_nodes, index, keep, away)
        kept, gone = require_label(index, keep), require_label(index, away)
        return plan_call(title, focus_on(kept), merge_labels, index, kept, [gone])

    return build_change(
        "merge_nodes",
        "Make one category of two: what is below and in one goes to the other. A label that goes is retired, and its "
        "names become alternative names of the other. A person is asked first.",
        {
            "keep": {**NODE, "description": "The id of the category that stays."},
            "away": {**NODE, "description": "The id of the category that goes."},
        },
        ("keep", "away"),
        plan,
        ("merge", "NODE into NODE"),
        parse_pair("/merge NODE into NODE", ("into", "with", "and"), away=find, keep=find),
        {"away": Slot("node", "Which category goes?"), "keep": Slot("node", "Which one stays?")},
    )


def split_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `split_node`, which divides a node's labels by their vectors, as `index split` does."""
    index = context.index

    async def plan(arguments: Arguments) -> Plan:
        node = require_node(index, arguments["node"], "split")
        size = split_size(len(index.labels_at(node)))
        tree = await abuild_subtree(context.workspace, node, terminal_size=size)
        if not any(each.key for each in tree.nodes):
            raise ToolError(f"the labels in {path_title(index, node)} cannot be told apart; nothing to split")
        return plan_call(f"split {path_title(index, node)}", focus_on(node), index.graft, node, tree)

    return build_change(
        "split_node",
        "Divide the labels that stand in a category among new ones below it. A person is asked first.",
        {"node": NODE},
        ("node",),
        plan,
        ("split", "NODE"),
        lambda words: {"node": find_place(index, words)},
        {"node": Slot("node", "Which category?")},
    )


def remove_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `remove_node`."""
    index = context.index

    async def plan(arguments: Arguments) -> Plan:
        place = resolve_place(index, arguments["node"])
        if isinstance(place, str):
            above = focus_on(*index.placements_of(place))
            return plan_call(f"retire {path_title(index, place)}", above, retire_labels, index, [place])
        above = focus_on(*(parent.id for parent in index.parents(place)))
        return plan_call(f"remove {path_title(index, place)}", above, remove_node, index, place)

    return build_change(
        "remove_node",
        "Remove a category; what is below it and in it goes to its parent. A label without branches is retired: it "
        "is answered no more. A person is asked first.",
        {"node": NODE},
        ("node",),
        plan,
        ("remove", "NODE"),
        lambda words: {"node": find_place(index, words)},
        {"node": Slot("node", "Which category?")},
    )


def require_node(index: Index, given: object, done: str) -> NodeId:
    """Resolve a category that is a node. Raises ToolError for a label without a node."""
    place = resolve_place(index, given)
    if isinstance(place, str):
        raise ToolError(
            f"{path_title(index, place)!r} is a label without branches, which is not {done}; only categories that "
            "have something below them are. A label can be moved (/move), renamed (/rename), placed (/place), merged "
            "(/merge) and removed (/remove)"
        )
    return place


def require_label(index: Index, place: Place) -> LabelId:
    """Return the label that a category is. Raises ToolError for a node that is no label."""
    label = place if isinstance(place, str) else index.node(place).label_id
    if label is None:
        raise ToolError(
            f"{path_title(index, place)!r} is a category that is no label; it is merged with other categories only"
        )
    return LabelId(label)


def plan_call(
    title: str, focus: Focus, operation: Callable[P, object], *args: P.args, **kwargs: P.kwargs
) -> Plan:
    """Plan a call of an operation, with the focus after it."""

    def make() -> Focus:
        operation(*args, **kwargs)
        return focus

    return Plan(title, make)


def parse_pair(usage: str, joining: Sequence[str], **read: Callable[[str], object]) -> Parse:
    """Return the parser of a command with two arguments around a joining word; `read` converts each of them.

    The parser raises InputError if an argument is missing.
    """

    def parse(words: str) -> Arguments:
        parts = split_at(words, *joining)
        if not all(parts):
            raise InputError(f"{words!r} names only one of two things; write: {usage}")
        return {name: convert(part) for (name, convert), part in zip(read.items(), parts, strict=True)}

    return parse
