"""Tool calls, proposals and the focus as plain JSON and back: what a thread keeps must outlive our classes."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from taxonaut.tools.toolbox import Focus, Proposal, ToolUse

Row = dict[str, Any]


def use_row(use: ToolUse) -> Row:
    """Return a call as JSON has it."""
    return {"id": use.id, "name": use.name, "arguments": dict(use.arguments)}


def use_of(row: Mapping[str, Any]) -> ToolUse:
    """Read a call; what is missing is empty, so that a wrong one can be refused by name."""
    arguments = row.get("arguments")
    return ToolUse(
        str(row.get("id", "")),
        str(row.get("name", "")),
        dict(arguments) if isinstance(arguments, Mapping) else {},
    )


def proposal_row(proposal: Proposal) -> Row:
    """Return a proposal as JSON has it."""
    return {
        "use": use_row(proposal.use),
        "title": proposal.title,
        "diff": list(proposal.diff),
        "version": proposal.version,
    }


def proposal_of(row: Mapping[str, Any]) -> Proposal:
    """Read a proposal."""
    return Proposal(use_of(row["use"]), row["title"], tuple(row["diff"]), row["version"])


def focus_row(focus: Focus) -> Row:
    """Return a focus as JSON has it."""
    return {**asdict(focus), "nodes": list(focus.nodes), "labels": list(focus.labels)}


def focus_of(row: Mapping[str, Any] | None) -> Focus:
    """Read a focus; there is none yet where there is no row."""
    known = dict(row or {})
    return Focus(
        text=known.get("text", ""),
        nodes=tuple(known.get("nodes", ())),
        labels=tuple(known.get("labels", ())),
        file=known.get("file", ""),
        run=known.get("run"),
    )


def moved(focus: Focus, to: Focus) -> Focus:
    """Return the focus after a call: what the call leaves empty stays as it was."""
    return Focus(
        text=to.text or focus.text,
        nodes=to.nodes or focus.nodes,
        labels=to.labels or focus.labels,
        file=to.file or focus.file,
        run=focus.run if to.run is None else to.run,
    )
