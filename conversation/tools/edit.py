"""Changing the tree: categories that are added, moved, renamed, merged, divided and removed, labels placed."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from taxonaut.conversation.nlu.mentions import find_label, find_place, node_of, path_of, place_of, shown_name
from taxonaut.conversation.tools.toolkit import NODE, Arguments, Change, Desk, Plan, about, change, parted
from taxonaut.state.errors import InputError, ToolError
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.tools import assign_label, merge_nodes, move_node, remove_node, rename_node
from taxonaut.tools.edit.rename_label import rename_label
from taxonaut.tools.support.chat_tool import Focus, Slot
from taxonaut.tools.support.index_changes import as_tool_errors
from taxonaut.tools.write.propose_category import LONGEST_NAME, category_name, propose_category
from taxonaut.workspace.build.add_labels import SPLIT_METHODS
from taxonaut.workspace.build.place_by_path import Placements, apply_placements
from taxonaut.workspace.build.split_node import abuild_subtree, split_size
from taxonaut.workspace.core.text_format import PATH_SIGN
from taxonaut.workspace.files.label_graph import LabelRow

BATCH = "conversation"
"""The batch of labels that were added in conversations."""

NODES_ONLY = (*SPLIT_METHODS, "vocabulary", "empty")
"""Ways of building trees whose categories are no labels."""


def add_category(index: Index, above: Sequence[Place], name: str, description: str = "") -> NodeId:
    """Add a category under a place. Hold a transaction and a change around it.

    In a person's own tree it becomes a label, too, with its node, so that texts can get it; a label it goes
    under becomes a node. In a tree that was built it is a node. Raises ToolError for a name that tells nothing
    apart there, InputError for a built tree's label.
    """
    (place,) = above
    if index.tree_method() in NODES_ONLY:
        if isinstance(place, str):
            raise InputError(
                f"{index.label(place).name!r} is a label; in a tree that was built, categories go under others"
            )
        return propose_category(index, place, name, description).id
    holder = index.label(place).name if isinstance(place, str) else index.node(place).name
    beside: list[str] = []
    if isinstance(place, int):
        own = index.node(place).label_id
        beside = [child.name for child in index.children(place)]
        beside += [label.name for label in index.labels_at(place) if label.id != own]
    label = Label(new_id(index, name), category_name(name, holder, beside), description, BATCH)
    with as_tool_errors():
        index.add_labels([label])
        inner = {label.id, place} if isinstance(place, str) else {label.id}
        placements = Placements(
            {label.id: (place,)}, {label.id: LabelRow(label)}, frozenset(inner), (label.id,), ()
        )
        return apply_placements(index, placements)[label.id][0]


def new_id(index: Index, name: str) -> LabelId:
    """Make an id that no label has from a name: `bone-conduction-headphones`, then with -2, -3, …"""
    plain = unicodedata.normalize("NFKD", name).casefold()
    words = re.findall(r"\w+", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    base = "-".join(words) or "category"
    found, number = base, 2
    while index.has_label(LabelId(found)):
        found, number = f"{base}-{number}", number + 1
    return LabelId(found)


NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}


def changes(desk: Desk) -> list[Change]:
    """Return the tools that change the tree."""
    return [
        propose_tool(desk),
        assign_tool(desk),
        move_tool(desk),
        rename_tool(desk),
        merge_tool(desk),
        split_tool(desk),
        remove_tool(desk),
    ]


def titled(index: Index, place: Place) -> str:
    """Return a place's path as a title names it."""
    return PATH_SIGN.join(map(shown_name, path_of(index, place))) or "the top"


def propose_tool(desk: Desk) -> Change:
    """Return the tool `propose_category`."""
    index = desk.index

    async def plan(arguments: Arguments) -> Plan:
        above = parents_of(index, arguments)
        name = " ".join(str(arguments["name"]).split())
        ways = ", ".join(titled(index, place) for place in above)

        def make() -> Focus:
            return about(add_category(index, above, name, str(arguments.get("description", ""))))

        twins = [label.id for label in index.labels_named([name])]
        warnings = [f"{shown_name(name)} is there already: {titled(index, twin)}" for twin in twins[:3]]
        return Plan(f"add {shown_name(name)} under {ways}", make, tuple(warnings))

    def parse(words: str) -> Arguments:
        name, place = parted(words, "under", "below", "in")
        if place:
            return {"name": name, "parent": find_place(index, place)}
        name, place = parted(words, "beside", "next to")
        if not place or not name:
            raise InputError(f"{words!r} does not say what goes where; write: /add NAME under NODE")
        return {"name": name, "beside": find_place(index, place)}

    return change(
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


def parents_of(index: Index, arguments: Arguments) -> list[Place]:
    """Return where a category goes: under its parent, or under the parents of what it stands beside."""
    if arguments.get("parent") is not None:
        return [place_of(index, arguments["parent"])]
    if arguments.get("beside") is None:
        raise InputError("it is not said where the category goes; name the one it goes under, or next to")
    place = place_of(index, arguments["beside"])
    if isinstance(place, str):
        return list(index.placements_of(place)[:1])
    if place == index.root():
        raise InputError("nothing can stand beside the top; add it under the top, or name another category")
    return [index.parents(place)[0].id]


def assign_tool(desk: Desk) -> Change:
    """Return the tool `assign_label`."""
    index = desk.index

    async def plan(arguments: Arguments) -> Plan:
        label, node = index.label(LabelId(str(arguments["label"]))), node_of(index, arguments["node"])
        if node in index.placements_of(label.id):
            raise ToolError(f"{shown_name(label.name)!r} stands in {titled(index, node)} already")

        def make() -> Focus:
            assign_label(index, label.id, [node])
            return Focus(nodes=(node,), labels=(label.id,))

        return Plan(f"place {shown_name(label.name)} also in {titled(index, node)}", make)

    def parse(words: str) -> Arguments:
        label, node = both(words, "/place LABEL under NODE", "under", "in", "to")
        return {"label": find_label(index, label), "node": find_place(index, node)}

    return change(
        "assign_label",
        "Place a label in one more category; where it stands already it stays. A person is asked first.",
        {"label": {"type": "string", "description": "The id of the label."}, "node": NODE},
        ("label", "node"),
        plan,
        ("place", "LABEL under NODE"),
        parse,
        {"label": Slot("label", "Which label?"), "node": Slot("node", "Under which category?")},
    )


def move_tool(desk: Desk) -> Change:
    """Return the tool `move_node`; a label that is no node moves as well."""
    index = desk.index

    async def plan(arguments: Arguments) -> Plan:
        place, to = place_of(index, arguments["node"]), node_of(index, arguments["to"])
        given = arguments.get("leaving")
        leaving = None if given is None else node_of(index, given)

        def make() -> Focus:
            if isinstance(place, int):
                move_node(index, place, to, leaving)
            else:
                move_label(index, place, to, leaving)
            return about(place)

        return Plan(f"move {titled(index, place)} under {titled(index, to)}", make)

    def parse(words: str) -> Arguments:
        node, to = both(words, "/move NODE to NODE", "to", "under", "into", "below")
        return {"node": find_place(index, node), "to": find_place(index, to)}

    return change(
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
        parse,
        {"node": Slot("node", "What shall move?"), "to": Slot("node", "Where to?")},
    )


def move_label(index: Index, label: LabelId, to: NodeId, leaving: NodeId | None) -> None:
    """Take a label out of the node it stands in and place it in another."""
    there = index.placements_of(label)
    if to in there:
        raise ToolError(f"{shown_name(index.label(label).name)!r} stands in {titled(index, to)} already")
    if leaving is None and len(there) > 1:
        ways = ", ".join(titled(index, node) for node in there)
        raise ToolError(f"{shown_name(index.label(label).name)!r} stands in {ways}; say which it leaves")
    index.place(label, [to])
    if there:
        index.unplace(label, there[0] if leaving is None else leaving)


def rename_tool(desk: Desk) -> Change:
    """Return the tool `rename_node`; a label that is no node is renamed as well."""
    index = desk.index

    async def plan(arguments: Arguments) -> Plan:
        place, name = place_of(index, arguments["node"]), " ".join(str(arguments["name"]).split())

        def make() -> Focus:
            if isinstance(place, int):
                rename_node(index, place, name)
            else:
                rename_label(index, place, name)
            return about(place)

        return Plan(f"rename {titled(index, place)} to {shown_name(name)}", make)

    def parse(words: str) -> Arguments:
        node, name = both(words, "/rename NODE to NAME", "to")
        return {"node": find_place(index, node), "name": name}

    return change(
        "rename_node",
        "Give a category another name; one without branches, too. A person is asked first.",
        {"node": NODE, "name": {**NAME, "description": "Its new name."}},
        ("node", "name"),
        plan,
        ("rename", "NODE to NAME"),
        parse,
        {"node": Slot("node", "Which category?"), "name": Slot("name", "What shall it be called?")},
    )


def merge_tool(desk: Desk) -> Change:
    """Return the tool `merge_nodes`."""
    index = desk.index

    async def plan(arguments: Arguments) -> Plan:
        keep = own_node(index, arguments["keep"], "merged")
        away = own_node(index, arguments["away"], "merged")

        def make() -> Focus:
            merge_nodes(index, keep, away)
            return Focus(nodes=(keep,))

        return Plan(f"merge {titled(index, away)} into {titled(index, keep)}", make)

    def parse(words: str) -> Arguments:
        away, keep = both(words, "/merge NODE into NODE", "into", "with", "and")
        return {"keep": find_place(index, keep), "away": find_place(index, away)}

    return change(
        "merge_nodes",
        "Make one category of two: what is below and in one goes to the other. A person is asked first.",
        {
            "keep": {**NODE, "description": "The id of the category that stays."},
            "away": {**NODE, "description": "The id of the category that goes."},
        },
        ("keep", "away"),
        plan,
        ("merge", "NODE into NODE"),
        parse,
        {"away": Slot("node", "Which category goes?"), "keep": Slot("node", "Which one stays?")},
    )


def split_tool(desk: Desk) -> Change:
    """Return the tool `split_node`: the labels of a node are divided by their vectors, as `index split` does."""
    index = desk.index

    async def plan(arguments: Arguments) -> Plan:
        node = own_node(index, arguments["node"], "split")
        size = split_size(len(index.labels_at(node)))
        tree = await abuild_subtree(desk.workspace, node, settings={"terminal_size": size})
        if not any(each.key for each in tree.nodes):
            raise ToolError(f"the labels in {titled(index, node)} cannot be told apart; nothing to split")

        def make() -> Focus:
            index.graft(node, tree)
            return Focus(nodes=(node,))

        return Plan(f"split {titled(index, node)}", make)

    return change(
        "split_node",
        "Divide the labels that stand in a category among new ones below it. A person is asked first.",
        {"node": NODE},
        ("node",),
        plan,
        ("split", "NODE"),
        lambda words: {"node": find_place(index, words)},
        {"node": Slot("node", "Which category?")},
    )


def remove_tool(desk: Desk) -> Change:
    """Return the tool `remove_node`."""
    index = desk.index

    async def plan(arguments: Arguments) -> Plan:
        node = own_node(index, arguments["node"], "removed")
        above = tuple(parent.id for parent in index.parents(node))

        def make() -> Focus:
            remove_node(index, node)
            return Focus(nodes=above)

        return Plan(f"remove {titled(index, node)}", make)

    return change(
        "remove_node",
        "Remove a category; what is below it and in it goes to its parent. A person is asked first.",
        {"node": NODE},
        ("node",),
        plan,
        ("remove", "NODE"),
        lambda words: {"node": find_place(index, words)},
        {"node": Slot("node", "Which category?")},
    )


def own_node(index: Index, given: object, done: str) -> NodeId:
    """Return a category that is a node; ToolError for a label without one, which cannot be changed so."""
    place = place_of(index, given)
    if isinstance(place, str):
        raise ToolError(
            f"{titled(index, place)!r} is a label without branches, and labels are not {done}; only "
            "categories that have something below them are. A label can be moved (/move), renamed (/rename) or "
            "placed (/place)"
        )
    return place


def both(words: str, usage: str, *joining: str) -> Sequence[str]:
    """Cut a command's words in two; InputError if one part is missing."""
    parts = parted(words, *joining)
    if not all(parts):
        raise InputError(f"{words!r} names only one of two things; write: {usage}")
    return parts
