"""What each template may use; a test renders every template with exactly these."""

from typing import NotRequired, TypedDict


class OptionText(TypedDict):
    """An option as a template shows it; `id` is its number in this request."""

    id: int
    name: str
    description: str
    path: str
    examples: list[str]


class ExpandVariables(TypedDict):
    """`navigator/expand`: which of a node's children to open for an item."""

    task: str
    node: str
    path: str
    options: list[OptionText]
    most: int
    text: NotRequired[str]


class RankVariables(TypedDict):
    """`general_expert/rank`: which labels of a shortlist fit an item, best first."""

    task: str
    options: list[OptionText]
    most: int
    text: NotRequired[str]


class ScoredVariables(TypedDict):
    """`…_scored`: what a model reads that answers by the likelihood of the options' own texts."""

    task: str
    text: NotRequired[str]


VARIABLES: dict[str, type] = {
    "navigator/expand": ExpandVariables,
    "navigator/expand_scored": ScoredVariables,
    "general_expert/rank": RankVariables,
    "general_expert/rank_scored": ScoredVariables,
}
"""Each template's name and its variables; `text` is there in the block `item` only."""
