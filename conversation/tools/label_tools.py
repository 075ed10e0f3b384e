"""The tools that change labels: retire, restore and split them. Merging and moving are those of categories."""

import re
from functools import partial
from typing import Any

from taxonaut.conversation.nlu.mentions import find_label, format_name
from taxonaut.conversation.tools.edit import path_title, plan_call
from taxonaut.conversation.tools.toolkit import (
    Arguments,
    ChangeTool,
    Plan,
    ToolContext,
    build_change,
    focus_on,
    split_at,
)
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.tools import restore_labels, retire_labels, split_label
from taxonaut.tools.support.chat_tool import Slot
from taxonaut.workspace.labels import label_changes

_LABEL: dict[str, Any] = {"type": "string", "description": "The id of the label."}
_BETWEEN = re.compile(r"\s*(?:,|;|\band\b)\s*")


def change_tools(context: ToolContext) -> list[ChangeTool]:
    """Return the tools that change labels."""
    return [retire_tool(context), restore_tool(context), split_tool(context)]


def retire_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `retire_labels`."""
    index = context.index
    find = partial(find_label, index)

    async def plan(arguments: Arguments) -> Plan:
        label = LabelId(str(arguments["label"]))
        given = arguments.get("replaced_by")
        heirs = [] if given is None else [index.label(LabelId(str(given))).id]
        title = f"retire {path_title(index, label)}"
        if heirs:
            title += f", replaced by {path_title(index, heirs[0])}"
        focus = focus_on(*heirs, *index.placements_of(label))
        return plan_call(title, focus, retire_labels, index, [label], heirs)

    def parse(words: str) -> Arguments:
        label, other = split_at(words, "for", "replaced by")
        return {"label": find(label), "replaced_by": find(other)} if other else {"label": find(words)}

    return build_change(
        "retire_labels",
        "Retire a label: it leaves the tree and is answered no more; its id may lead to what replaces it. "
        "A person is asked first.",
        {"label": _LABEL, "replaced_by": {**_LABEL, "description": "The id of the label that replaces it."}},
        ("label",),
        plan,
        ("retire", "LABEL | LABEL for LABEL"),
        parse,
        {
            "label": Slot("label", "Which label?"),
            "replaced_by": Slot("label", "What replaces it?", required=False),
        },
    )


def restore_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `restore_labels`."""
    index = context.index

    async def plan(arguments: Arguments) -> Plan:
        label = label_changes.find_label(index, str(arguments["label"]), retired=True)
        title = f"restore {format_name(index.label(label).name)}"
        return plan_call(title, focus_on(label), restore_labels, index, [label])

    return build_change(
        "restore_labels",
        "Bring a retired label back to where it stood. A person is asked first.",
        {"label": {"type": "string", "minLength": 1, "description": "Its id or its name."}},
        ("label",),
        plan,
        ("restore", "LABEL"),
        lambda words: {"label": words.strip()},
        {"label": Slot("name", "Which retired label?")},
    )


def split_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `split_label`."""
    index = context.index

    async def plan(arguments: Arguments) -> Plan:
        label = LabelId(str(arguments["label"]))
        names = [name for name in _BETWEEN.split(str(arguments["parts"])) if name]
        parts = label_changes.parse_parts(index, names)
        title = f"split {path_title(index, label)} into {', '.join(format_name(part.name) for part in parts)}"
        return plan_call(title, focus_on(*index.placements_of(label)), split_label, index, label, parts)

    def parse(words: str) -> Arguments:
        label, parts = split_at(words, "into")
        if not label or not parts:
            raise InputError(f"{words!r} does not say what becomes of what; write: /parts LABEL into A, B")
        return {"label": find_label(index, label), "parts": parts}

    return build_change(
        "split_label",
        "Make several new labels of one, where it stands; it is retired, and what had it is to be labelled anew. A "
        "person is asked first.",
        {
            "label": _LABEL,
            "parts": {"type": "string", "minLength": 3, "description": "Their names, divided by commas."},
        },
        ("label", "parts"),
        plan,
        ("parts", "LABEL into NAME, NAME"),
        parse,
        {"label": Slot("label", "Which label?"), "parts": Slot("name", "Into which labels?")},
    )
