"""The tool `correct`: what the user says about an item's label is kept in the ledger; the tree stays as it is."""

import getpass
from collections.abc import Mapping
from typing import Any

from taxonaut.conversation.nlu.mentions import find_label, format_name
from taxonaut.conversation.tools.edit import path_title
from taxonaut.conversation.tools.toolkit import (
    Arguments,
    ChangeTool,
    Plan,
    ToolContext,
    build_change,
    split_at,
)
from taxonaut.conversation.tools.walk import TEXT, build_item
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.tools.support.chat_tool import Focus, Slot
from taxonaut.workspace.build.change_preview import transaction
from taxonaut.workspace.core.text_format import clipped
from taxonaut.workspace.learn.corrections import Correction, correct, find_item, latest_answer, take_back

LONGEST_TEXT = 60
_TAKE_BACK = ("nothing", "forget")


def change_tools(context: ToolContext) -> list[ChangeTool]:
    """Return the tool `correct`."""
    return [correct_tool(context)]


def correct_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `correct`."""
    index, workspace = context.index, context.workspace
    label_schema: dict[str, Any] = {"type": "string", "description": "The id of the label that is right."}

    async def plan(arguments: Arguments) -> Plan:
        item, person = find_spoken_item(context, arguments), context.person or login_name()
        right = [LabelId(str(arguments["label"]))] if arguments.get("label") is not None else []
        wrong = [LabelId(str(arguments["wrong"]))] if arguments.get("wrong") is not None else []
        if not (right or wrong):
            title = f"forget what {person} said of {describe_item(item)}"
        else:
            title = f"{describe_item(item)} is " + " and ".join(
                [f"{path_title(index, label)}" for label in right]
                + [f"not {path_title(index, label)}" for label in wrong]
            )
            if right and not wrong and not arguments.get("also"):
                first = latest_answer(workspace, item)[:1]
                wrong = [label for label in first if label not in right]

        def make() -> Correction:
            if not (right or wrong):
                return take_back(workspace, item, person=person, source="chat")
            return correct(workspace, item, right, wrong, person=person, source="chat")

        with transaction(workspace, dry_run=True):
            tried = make()
        shown = [f"item {item.id}: {clipped(' '.join(item.text.split()), LONGEST_TEXT)}"]
        shown += [f"+ right: {path_title(index, label)}" for label in right]
        shown += [f"- wrong: {path_title(index, label)}" for label in wrong]
        if not (right or wrong):
            shown.append("- all that you said before")
        warnings = [
            f"{name_of(context, each.label)} is contradicted by other people" for each in tried.conflicts
        ]
        if not tried.is_new:
            warnings.append("you said so already")
        focus = Focus(text=item.text, labels=tuple(right))
        return Plan(title, lambda: (make(), focus)[1], tuple(warnings), tuple(shown))

    def parse(words: str) -> Mapping[str, Any]:
        item, said = split_at(words, "is", "are")
        if not item or not said:
            raise InputError(
                f"{words!r} does not say which item is what; write: /correct ITEM is LABEL, /correct ITEM is not "
                "LABEL, /correct ITEM is also LABEL, or /correct ITEM is nothing, which takes back what you said"
            )
        found: dict[str, Any] = {"text": item}
        if said.casefold() in _TAKE_BACK:
            return found
        first, _, rest = said.partition(" ")
        if first.casefold() == "not" and rest:
            return {**found, "wrong": find_label(index, rest)}
        if first.casefold() == "also" and rest:
            return {**found, "label": find_label(index, rest), "also": True}
        label, wrong = split_at(said, "and not", "not")
        return {
            **found,
            "label": find_label(index, label),
            **({"wrong": find_label(index, wrong)} if wrong else {}),
        }

    return build_change(
        "correct",
        "Keep that an item has a label, or does not have it, to learn from; the tree stays as it is. Without a text: "
        "the last one. Without labels, what the user said before is taken back. A person is asked first.",
        {
            "text": {**TEXT, "description": "The item's text or its id."},
            "number": {"type": "integer", "description": "The item's id, if it is a number."},
            "label": label_schema,
            "wrong": {"type": "string", "description": "The id of a label that is wrong."},
            "also": {"type": "boolean", "description": "The label that the item got is right as well."},
        },
        (),
        plan,
        ("correct", "ITEM is LABEL"),
        parse,
        {
            "text": Slot("text", "Which text?", required=False),
            "number": Slot("number", "Which item?", required=False),
            "label": Slot("label", "Which label is right?"),
            "wrong": Slot("label", "Which label is wrong?", required=False),
        },
    )


def find_spoken_item(context: ToolContext, arguments: Arguments) -> Item:
    """Find the item that a call is about: by its number, its id or text, else the last text of the conversation."""
    if arguments.get("number") is not None:
        return find_item(context.workspace, str(arguments["number"]))
    given = str(arguments.get("text") or context.focus.text)
    if not given:
        raise InputError("no text was looked at yet; say which item is meant: /correct ITEM is LABEL")
    known = context.workspace.items.known([ItemId(given)])
    return known[0] if known else build_item(given)


def describe_item(item: Item) -> str:
    """Name an item in a title: by its text, or its number."""
    return (
        f"item {item.id}" if len(item.id) <= 12 else f"“{clipped(' '.join(item.text.split()), LONGEST_TEXT)}”"
    )


def name_of(context: ToolContext, label: LabelId) -> str:
    """Return a label's name in quotation marks."""
    return format_name(context.index.label(label).name)


def login_name() -> str:
    """Return the name of this computer's user, who talks. Raises InputError if it is unknown."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise InputError(
            "this computer does not say who you are, and a correction needs a name; set the variable USER"
        ) from None
