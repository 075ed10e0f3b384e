"""The tools `diff`, `log` and `undo`: the history of the index."""

from typing import Any

from taxonaut.conversation.answers import one_line, render_answer
from taxonaut.conversation.tools.apply_changes import format_diff
from taxonaut.conversation.tools.toolkit import (
    Arguments,
    ChangeTool,
    Plan,
    ToolContext,
    build_change,
    build_tool,
)
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Change
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool
from taxonaut.tools.support.index_changes import as_tool_errors
from taxonaut.workspace.build.change_preview import summarize_change

MOST = 200
SHOWN = 10
FOCUSED = 5
"""Nodes of a diff that become the focus."""


def tools(context: ToolContext) -> list[Tool]:
    """Return the tools that look at the history."""
    return [diff_tool(context), log_tool(context)]


def change_tools(context: ToolContext) -> list[ChangeTool]:
    """Return the tool `undo`."""
    return [undo_tool(context)]


def diff_tool(context: ToolContext) -> Tool:
    """Return the tool `diff`."""
    index = context.index

    async def run(arguments: Arguments) -> Outcome:
        since = arguments.get("since")
        newest = index.events.changes(1)
        if since is None:
            since = newest[0].first - 1 if newest else 0
        if not 0 <= int(since) <= index.version():
            raise NotFoundError(
                f"no change {since!r}; changes go from 0 (the beginning) to {index.version()}: /log"
            )
        lines, nodes = diff_since(index, EventId(int(since)))
        what = describe_change(newest[0]) if newest else ""
        text = render_answer("diff", lines=lines, since=str(since), what=what, last="since" not in arguments)
        data = {"since": int(since), "lines": list(lines)}
        line = one_line("; ".join(lines) or "nothing differs")
        return Outcome(text, line, data, Focus(nodes=nodes))

    return build_tool(
        "diff",
        "Show what changed in the index: in the last change, or since a change by its number.",
        {"since": {"type": "integer", "minimum": 0, "description": "Since this change; 0 is the beginning."}},
        (),
        run,
        ("diff", "[NUMBER]"),
        lambda words: {"since": parse_number(words)} if words.strip() else {},
        {"since": Slot("change", "Since which change?", required=False)},
    )


def diff_since(index: Index, event: EventId) -> tuple[tuple[str, ...], tuple[NodeId, ...]]:
    """Return the diff since an event as lines, and its first nodes.

    If the tree was replaced, the changes are listed instead of the diff.
    """
    if index.replaced_since(event):
        made = [each for each in index.events.changes() if each.id > event]
        replaced = [f"~ {describe_change(each)}" for each in made[:SHOWN]]
        return (*replaced, "  the tree was replaced; `taxonaut index diff` shows the whole difference"), ()
    found = index.diff_since(event)
    nodes = [*found.inserted, *(edit.node for edit in found.edited), *(move.node for move in found.moved)]
    return format_diff(found), tuple(dict.fromkeys(node.id for node in nodes))[:FOCUSED]


def log_tool(context: ToolContext) -> Tool:
    """Return the tool `log`."""
    index = context.index

    async def run(arguments: Arguments) -> Outcome:
        found = index.events.changes(int(arguments.get("limit", SHOWN)))
        rows: list[dict[str, Any]] = [
            {"number": int(each.id), "at": each.at, "what": describe_change(each), "undone": each.is_undone}
            for each in found
        ]
        text = render_answer("log", rows=rows)
        line = "; ".join(f"{row['number']} {row['what']}" for row in rows) or "no change yet"
        return Outcome(text, one_line(line), {"changes": rows})

    return build_tool(
        "log",
        "List the last changes to the index, newest first, with the numbers that undo and diff take.",
        {"limit": {"type": "integer", "minimum": 1, "maximum": MOST, "description": "Most changes."}},
        (),
        run,
        ("log", "[NUMBER]"),
        lambda words: {"limit": max(1, min(MOST, parse_number(words)))} if words.strip() else {},
        {"limit": Slot("number", "How many changes?", required=False)},
    )


def undo_tool(context: ToolContext) -> ChangeTool:
    """Return the tool `undo`."""
    index = context.index

    async def plan(arguments: Arguments) -> Plan:
        given = arguments.get("event")
        with as_tool_errors():
            event = index.events.last_active().change if given is None else EventId(int(given))
            named = index.events.get(event)
        found = next((each for each in index.events.changes() if each.first <= named.id <= each.id), None)

        def make() -> Focus:
            with as_tool_errors():
                index.undo_change(event)
            return Focus()

        if found is None:
            return Plan(f"undo event {event}: {named.operation}", make)
        return Plan(f"undo change {found.id}: {describe_change(found)}", make)

    return build_change(
        "undo",
        "Take back the last change to the index that stands, or one by its number. A person is asked first.",
        {"event": {"type": "integer", "minimum": 1, "description": "The number of a change."}},
        (),
        plan,
        ("undo", "[NUMBER]"),
        lambda words: {"event": parse_number(words)} if words.strip() else {},
        {"event": Slot("change", "Which change?", required=False)},
    )


def describe_change(change: Change) -> str:
    """Describe a change in a line: its note, else its operations."""
    return change.note or summarize_change(change)


def parse_number(words: str) -> int:
    """Parse the number of a change or a count."""
    given = words.strip().removeprefix("#")
    if not (given.isascii() and given.isdecimal()):
        raise InputError(f"{words.strip()!r} is not a number; give a whole number, as /log shows them")
    return int(given)
