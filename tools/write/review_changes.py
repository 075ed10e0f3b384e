"""The tool `review_changes`: approve or reject all change proposals of a round (AgenticTagger, algorithm 2)."""

from collections.abc import Mapping
from typing import Any

from taxonaut.state.records import ToolSpec
from taxonaut.tools.write.propose_change import single_line

LONGEST_REASON = 200
"""Maximum characters of a reason."""

NO_REASON = "no reason was given"


def review_changes(arguments: Mapping[str, Any], count: int) -> list[tuple[bool, str]]:
    """Read a call of the tool: (approved, reason) of each of `count` proposals."""
    verdicts = [arguments[str(number)] for number in range(1, count + 1)]
    return [
        (bool(each["approve"]), single_line(each["reason"], LONGEST_REASON) or NO_REASON) for each in verdicts
    ]


def review_changes_spec(count: int) -> ToolSpec:
    """Return the tool with a schema for proposals 1 to `count`: a property for each."""
    verdict = {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": LONGEST_REASON, "description": "In a sentence."},
            "approve": {"type": "boolean"},
        },
        "required": ["reason", "approve"],
        "additionalProperties": False,
    }
    numbers = [str(number) for number in range(1, count + 1)]
    schema = {
        "type": "object",
        "properties": dict.fromkeys(numbers, verdict),
        "required": numbers,
        "additionalProperties": False,
    }
    return ToolSpec(
        "review_changes", "Approve or reject each proposal, by its number, with a reason.", schema
    )
