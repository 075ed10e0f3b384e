"""The variables of each template, with examples; a test renders every template with exactly these."""

from typing import Any, NotRequired, TypedDict


class OptionText(TypedDict):
    """An option in a prompt; `id` is its number in this request."""

    id: int
    name: str
    description: str
    path: str
    examples: list[str]


class DescriptorText(OptionText):
    """A descriptor in a prompt: an option with inclusions and exclusions."""

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
    """`general_expert/choose`, `order` and `think`: the category of a product; `name` follows the setting `shown`."""


class DefineVariables(TypedDict):
    """`general_expert/define`: define a category. `text` lists products in it; `rare`: few are known."""

    task: str
    path: str
    siblings: list[str]
    rare: bool
    text: NotRequired[str]


class ScoredVariables(TypedDict):
    """`…_scored`: for models that score options by the likelihood of their texts."""

    task: str
    text: NotRequired[str]


class YesNoVariables(TypedDict):
    """`judge/yes_no`: whether a label fits; `examples` are texts with the label."""

    task: str
    label: str
    examples: list[str]
    text: NotRequired[str]


class LikelyVariables(TypedDict):
    """`judge/likely`: the same for scoring by likelihood; `name` is the last name of the label's path."""

    task: str
    name: str
    examples: list[str]
    text: NotRequired[str]


class WriteVariables(TypedDict):
    """`label_writer/write`: labels in the model's own words; `like` holds names of real labels as examples."""

    task: str
    like: list[str]
    most: int
    text: NotRequired[str]


class GroupText(TypedDict):
    """A group of labels in a prompt."""

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
    """`assistant/converse`: rules of a conversation and a summary of the index. `text` is a message of the user."""

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
"""The variables of each template by name; `text` is available in the block `item` only."""


OPTIONS: list[OptionText] = [
    {"id": 1, "name": "Shoes", "description": "worn on the feet", "path": "A > Shoes", "examples": ["Boots"]},
    {"id": 2, "name": "Hats", "description": "", "path": "", "examples": []},
    {
        "id": 3,
        "name": "Balls",
        "description": "",
        "path": "B > Balls",
        "examples": ["Footballs", "Golf balls"],
    },
]
DESCRIPTORS: list[DescriptorText] = [
    {**OPTIONS[0], "includes": ["boots", "sandals"], "excludes": ["socks"]},
    {**OPTIONS[1], "includes": [], "excludes": []},
    {**OPTIONS[2], "includes": ["footballs"], "excludes": []},
]
EXAMPLES: dict[str, dict[str, Any]] = {
    "navigator/expand": {
        "task": "The texts are product titles.",
        "node": "Sports",
        "path": "Things > Sports",
        "options": OPTIONS,
        "most": 2,
    },
    "navigator/expand_scored": {"task": "The texts are product titles."},
    "general_expert/rank": {"task": "The texts are product titles.", "options": OPTIONS, "most": 2},
    **{
        f"general_expert/{name}": {"task": "A catalogue of sports goods.", "options": OPTIONS, "most": 2}
        for name in ("choose", "order", "think")
    },
    "general_expert/define": {
        "task": "A catalogue of sports goods.",
        "path": "Sports > Balls",
        "siblings": ["Nets", "Goals"],
        "rare": True,
    },
    "general_expert/rank_scored": {"task": "The texts are product titles."},
    "judge/yes_no": {
        "task": "The texts are product titles.",
        "label": "A > Shoes",
        "examples": ["brown boots", "two sandals"],
    },
    "judge/likely": {
        "task": "The texts are product titles.",
        "name": "Shoes",
        "examples": ["brown boots", "two sandals"],
    },
    "architect/propose_centres": {
        "task": "The labels are product categories.",
        "path": "Things > Sports",
        "siblings": [{"name": "Shoes", "examples": ["Boots"]}, {"name": "Hats", "examples": []}],
        "suggestions": [{"name": "ball, net", "examples": ["Footballs", "Goals"]}],
        "problems": ["'Balls' and 'Ball games' hold the same labels"],
        "most": 8,
    },
    "architect/propose_centres_scored": {"task": "The labels are product categories."},
    "annotator/assign_labels": {
        "task": "The labels are product categories.",
        "path": "Things > Sports",
        "options": OPTIONS,
        "most": 2,
    },
    "annotator/assign_items": {
        "task": "The items are products.",
        "path": "Things > Sports",
        "options": DESCRIPTORS,
        "most": 2,
    },
    "annotator/propose_change": {
        "task": "The items are products.",
        "path": "Things > Sports",
        "options": DESCRIPTORS,
    },
    "annotator/propose_change_scored": {"task": "The items are products."},
    "architect/propose_descriptors": {
        "task": "The items are products.",
        "path": "Things > Sports",
        "siblings": [{"name": "Shoes", "examples": ["Boots"]}, {"name": "Hats", "examples": []}],
        "suggestions": [{"name": "ball, net", "examples": ["a football", "two goals"]}],
        "problems": ["'Ball' stands under this node already"],
        "most": 8,
    },
    "architect/review_changes": {
        "task": "The items are products.",
        "path": "Things > Sports",
        "options": DESCRIPTORS,
    },
    "architect/review_changes_scored": {"task": "The items are products."},
    "annotator/keywords": {"task": "The texts are product titles.", "most": 3},
    "annotator/assign_label_scored": {"task": "The labels are product categories."},
    "assistant/converse": {
        "task": "The texts are product titles.",
        "labels": 6,
        "categories": 5,
        "root": 1,
        "top": ["Clothes (id 2)", "Sports (id 3)"],
    },
    "label_writer/write": {"task": "The texts are product titles.", "like": ["Shoes", "Hats"], "most": 3},
}
"""Example variables of each template, without `text`."""

EXAMPLE_TEXTS = {
    "annotator/assign_items": "1. brown boots\n2. a golf ball",
    "annotator/assign_labels": "1. Boots\n2. Golf balls",
    "annotator/propose_change": "3 in all, such as:\n- a tennis net\n- a goal net",
    "architect/propose_centres": "- Boots\n- Golf balls",
    "architect/propose_descriptors": "- brown boots\n- a golf ball",
    "architect/review_changes": "1. Create 'Nets': stretched between posts — for 3 items",
    "general_expert/define": "- a golf ball\n- a football",
}
"""Example `text` of templates that read several items or labels; others read one item."""


def example_variables(name: str) -> dict[str, Any]:
    """Return example variables, for templates that have made no decision in a workspace yet."""
    return {**EXAMPLES[name], "text": EXAMPLE_TEXTS.get(name, "wireless earbuds")}
