"""What each template may use; a test renders every template with exactly these."""

from typing import NotRequired, TypedDict


class OptionText(TypedDict):
    """An option as a template shows it; `id` is its number in this request."""

    id: int
    name: str
    description: str
    path: str
    examples: list[str]


class DescriptorText(OptionText):
    """A descriptor as a template shows it: an option with what it includes and what it does not."""

    includes: list[str]
    excludes: list[str]


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


class ChooseVariables(RankVariables):
    """`general_expert/choose`, `order` and `think`: the category of a product. `name` is as `shown` has it."""


class DefineVariables(TypedDict):
    """`general_expert/define`: what a category holds. `text` lists products in it; `rare`: hardly any are known."""

    task: str
    path: str
    siblings: list[str]
    rare: bool
    text: NotRequired[str]


class ScoredVariables(TypedDict):
    """`…_scored`: what a model reads that answers by the likelihood of the options' own texts."""

    task: str
    text: NotRequired[str]


class YesNoVariables(TypedDict):
    """`judge/yes_no`: one label, and texts that have it."""

    task: str
    label: str
    examples: list[str]
    text: NotRequired[str]


class LikelyVariables(TypedDict):
    """`judge/likely`: the same for a model that answers by likelihood; `name` is the last of the label's path."""

    task: str
    name: str
    examples: list[str]
    text: NotRequired[str]


class WriteVariables(TypedDict):
    """`label_writer/write`: labels in the model's own words; `like` shows how the set's labels are worded."""

    task: str
    like: list[str]
    most: int
    text: NotRequired[str]


class GroupText(TypedDict):
    """A group of labels as a template shows it."""

    name: str
    examples: list[str]


class ProposeVariables(TypedDict):
    """`architect/propose_centres`: categories that divide a set of labels. `text` lists some of the labels."""

    task: str
    path: str
    siblings: list[GroupText]
    suggestions: list[GroupText]
    problems: list[str]
    most: int
    text: NotRequired[str]


class AssignVariables(TypedDict):
    """`annotator/assign_labels`: to which centres labels belong. `text` lists the labels by their numbers."""

    task: str
    path: str
    options: list[OptionText]
    most: int
    text: NotRequired[str]


class AssignItemsVariables(TypedDict):
    """`annotator/assign_items`: which descriptors fit items. `text` lists the items by their numbers."""

    task: str
    path: str
    options: list[DescriptorText]
    most: int
    text: NotRequired[str]


class ChangeVariables(TypedDict):
    """`annotator/propose_change`: what to do about items that no descriptor fits. `text` lists some of them."""

    task: str
    path: str
    options: list[DescriptorText]
    text: NotRequired[str]


class ReviewVariables(TypedDict):
    """`architect/review_changes`: which changes of a round are made. `text` lists the proposals by their numbers."""

    task: str
    path: str
    options: list[DescriptorText]
    text: NotRequired[str]


class KeywordsVariables(TypedDict):
    """`annotator/keywords`: keywords of an item in the model's own words."""

    task: str
    most: int
    text: NotRequired[str]


class ConverseVariables(TypedDict):
    """`assistant/converse`: rules of a conversation, and what the index holds. `text` is a message of the person."""

    task: str
    labels: int
    categories: int
    root: int
    top: list[str]
    text: NotRequired[str]


VARIABLES: dict[str, type] = {
    "annotator/assign_items": AssignItemsVariables,
    "annotator/assign_label_scored": ScoredVariables,
    "annotator/assign_labels": AssignVariables,
    "annotator/keywords": KeywordsVariables,
    "annotator/propose_change": ChangeVariables,
    "annotator/propose_change_scored": ScoredVariables,
    "architect/propose_centres": ProposeVariables,
    "architect/propose_centres_scored": ScoredVariables,
    "architect/propose_descriptors": ProposeVariables,
    "architect/review_changes": ReviewVariables,
    "architect/review_changes_scored": ScoredVariables,
    "assistant/converse": ConverseVariables,
    "navigator/expand": ExpandVariables,
    "navigator/expand_scored": ScoredVariables,
    "general_expert/choose": ChooseVariables,
    "general_expert/define": DefineVariables,
    "general_expert/order": ChooseVariables,
    "general_expert/rank": RankVariables,
    "general_expert/rank_scored": ScoredVariables,
    "general_expert/think": ChooseVariables,
    "judge/yes_no": YesNoVariables,
    "judge/likely": LikelyVariables,
    "label_writer/write": WriteVariables,
}
"""Each template's name and its variables; `text` is there in the block `item` only."""
