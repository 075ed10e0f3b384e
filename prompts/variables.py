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


class DemonstrationOption(TypedDict):
    """A right option of a demonstration, with its number in this request."""

    id: int
    path: str
    name: str


class DemonstrationText(TypedDict):
    """A labelled text that is shown as an example, with the options that are right for it."""

    text: str
    options: list[DemonstrationOption]


class ExpandFewShotVariables(ExpandVariables):
    """`navigator/expand_few_shot`: `demonstrations`, like `text`, are there in the block `item` only."""

    demonstrations: NotRequired[list[DemonstrationText]]


class RankFewShotVariables(RankVariables):
    """`general_expert/rank_few_shot`."""

    demonstrations: NotRequired[list[DemonstrationText]]


class ChooseVariables(RankVariables):
    """`general_expert/choose`, `order` and `think`: the category of a product; `name` follows the setting `shown`."""


class DefineVariables(TypedDict):
    """`general_expert/define`: define a category. `text` lists products in it; `rare`: few are known."""

    task: str
    path: str
    siblings: list[str]
    rare: bool
    text: NotRequired[str]


class ExplainVariables(TypedDict):
    """`feedback/explain`: why a label fits or does not; `branch`: it is a node; `fits` is what is known, or None."""

    task: str
    label: str
    description: str
    branch: bool
    fits: bool | None
    text: NotRequired[str]


class ScoredVariables(TypedDict):
    """`…_scored`: for models that score options by the likelihood of their texts."""

    task: str
    text: NotRequired[str]


class ScoredFewShotVariables(ScoredVariables):
    """`…_scored_few_shot`."""

    demonstrations: NotRequired[list[DemonstrationText]]


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


class ImproveVariables(TypedDict):
    """`architect/improve_instructions`: instructions of another agent (`duty`), and what their `marks` stand for.

    `problems` are why former proposals were refused, `most` how many characters are allowed. `text` lists cases.
    """

    task: str
    duty: str
    instructions: str
    marks: list[str]
    problems: list[str]
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


class DistributeOption(TypedDict):
    """A label of a distribution; `code` is its letter where a model answers with letters, else empty."""

    code: str
    name: str
    description: str


class DistributeExample(TypedDict):
    """A text with its labels, divided by commas, as an example (k-shot)."""

    text: str
    labels: str


class DistributeVariables(TypedDict):
    """`distribute/compare_to_none` and others that list labels; `none_code` is empty where names are the answer."""

    task: str
    options: list[DistributeOption]
    examples: list[DistributeExample]
    no_label: str
    none_code: str
    text: NotRequired[str]
    written: NotRequired[str]


class DistributeUnaryVariables(TypedDict):
    """`distribute/unary`: whether one label is reasonable; `yes` and `no` are the two answers."""

    task: str
    examples: list[DistributeExample]
    yes: str
    no: str
    text: NotRequired[str]
    label: NotRequired[str]
    description: NotRequired[str]


class DistributeBinaryVariables(TypedDict):
    """`distribute/binary`: which of two labels fits better; `no_label` may be one of them."""

    task: str
    examples: list[DistributeExample]
    no_label: str
    text: NotRequired[str]
    pair: NotRequired[list[DistributeOption]]


VARIABLES: dict[str, type] = {
    "annotator/assign_items": AssignItemsVariables,
    "annotator/assign_label_scored": ScoredVariables,
    "annotator/assign_labels": AssignVariables,
    "annotator/keywords": KeywordsVariables,
    "annotator/propose_change": ChangeVariables,
    "annotator/propose_change_scored": ScoredVariables,
    "architect/improve_instructions": ImproveVariables,
    "architect/propose_centres": ProposeVariables,
    "architect/propose_centres_scored": ScoredVariables,
    "architect/propose_descriptors": ProposeVariables,
    "architect/review_changes": ReviewVariables,
    "architect/review_changes_scored": ScoredVariables,
    "assistant/converse": ConverseVariables,
    "distribute/binary": DistributeBinaryVariables,
    "distribute/compare_to_none": DistributeVariables,
    "distribute/hard": DistributeVariables,
    "distribute/linear_probe": DistributeVariables,
    "distribute/max": DistributeVariables,
    "distribute/unary": DistributeUnaryVariables,
    "feedback/explain": ExplainVariables,
    "navigator/expand": ExpandVariables,
    "navigator/expand_few_shot": ExpandFewShotVariables,
    "navigator/expand_scored": ScoredVariables,
    "navigator/expand_scored_few_shot": ScoredFewShotVariables,
    "general_expert/choose": ChooseVariables,
    "general_expert/define": DefineVariables,
    "general_expert/order": ChooseVariables,
    "general_expert/rank": RankVariables,
    "general_expert/rank_few_shot": RankFewShotVariables,
    "general_expert/rank_scored": ScoredVariables,
    "general_expert/rank_scored_few_shot": ScoredFewShotVariables,
    "general_expert/think": ChooseVariables,
    "judge/yes_no": YesNoVariables,
    "judge/likely": LikelyVariables,
    "label_writer/write": WriteVariables,
}
"""The variables of each template by name; `text` is available in the block `item` only."""


FOR_LEARNING = frozenset({"architect/improve_instructions", "feedback/explain"})
"""Templates that learning alone reads: no walk, build or method does, so that their results do not depend on them."""

FOR_DISTRIBUTIONS = frozenset(name for name in VARIABLES if name.startswith("distribute/"))
"""Templates that distributions alone read: results of other methods do not depend on them."""


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
EMOTIONS: list[DistributeOption] = [
    {"code": "", "name": "joy", "description": ""},
    {"code": "", "name": "anger", "description": "being angry at something"},
]
FEELINGS: list[DistributeExample] = [{"text": "what a day!", "labels": "joy"}]
EXAMPLES: dict[str, dict[str, Any]] = {
    **{
        f"distribute/{name}": {
            "task": "The texts are comments.",
            "options": EMOTIONS,
            "examples": FEELINGS,
            "no_label": "none",
            "none_code": "",
        }
        for name in ("compare_to_none", "hard", "linear_probe", "max")
    },
    "distribute/unary": {
        "task": "The texts are comments.",
        "examples": FEELINGS,
        "yes": "reasonable",
        "no": "unreasonable",
    },
    "distribute/binary": {"task": "The texts are comments.", "examples": FEELINGS, "no_label": "none"},
    "feedback/explain": {
        "task": "The texts are product titles.",
        "label": "A > Shoes",
        "description": "worn on the feet",
        "branch": False,
        "fits": True,
    },
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
    "navigator/expand_few_shot": {
        "task": "The texts are product titles.",
        "node": "Sports",
        "path": "Things > Sports",
        "options": OPTIONS,
        "most": 2,
    },
    "navigator/expand_scored_few_shot": {"task": "The texts are product titles."},
    "general_expert/rank_few_shot": {
        "task": "The texts are product titles.",
        "options": OPTIONS,
        "most": 2,
    },
    "general_expert/rank_scored_few_shot": {"task": "The texts are product titles."},
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
    "architect/improve_instructions": {
        "task": "The texts are product titles.",
        "duty": "It orders the labels of a shortlist.",
        "instructions": "You choose the labels that fit. [[1]]",
        "marks": ["{{ task }}"],
        "problems": ["the text is empty; write the instructions anew"],
        "most": 1500,
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
    "architect/improve_instructions": "1. Text: brown boots\nRight label: Shoes\nIt was left out.",
    "architect/propose_centres": "- Boots\n- Golf balls",
    "architect/propose_descriptors": "- brown boots\n- a golf ball",
    "architect/review_changes": "1. Create 'Nets': stretched between posts — for 3 items",
    "general_expert/define": "- a golf ball\n- a football",
}
"""Example `text` of templates that read several items or labels; others read one item."""


ITEM_VARIABLES: dict[str, dict[str, Any]] = {
    **{f"distribute/{name}": {"written": ""} for name in ("compare_to_none", "hard", "linear_probe", "max")},
    "distribute/unary": {"label": "joy", "description": ""},
    "distribute/binary": {"pair": EMOTIONS},
}
"""Example variables, next to `text`, of templates whose block `item` has more of its own."""

FEW_SHOT = "_few_shot"
"""How the names of templates with demonstrations end."""

DEMONSTRATIONS: list[DemonstrationText] = [
    {
        "text": "a golf ball",
        "options": [{"id": 3, "path": "B > Balls", "name": "Balls"}],
    },
    {
        "text": "boots, a hat",
        "options": [
            {"id": 1, "path": "A > Shoes", "name": "Shoes"},
            {"id": 2, "path": "Hats", "name": "Hats"},
        ],
    },
]


def example_item(name: str) -> dict[str, Any]:
    """Return the example variables of the block `item` alone."""
    text: dict[str, Any] = {"text": EXAMPLE_TEXTS.get(name, "wireless earbuds")}
    if name in ITEM_VARIABLES:
        return {**text, **ITEM_VARIABLES[name]}
    return {**text, "demonstrations": DEMONSTRATIONS} if name.endswith(FEW_SHOT) else text


def example_variables(name: str) -> dict[str, Any]:
    """Return example variables, for templates that have made no decision in a workspace yet."""
    return {**EXAMPLES[name], **example_item(name)}


FOR_DEMONSTRATIONS = frozenset(
    {
        "general_expert/rank_few_shot",
        "general_expert/rank_scored_few_shot",
        "navigator/expand_few_shot",
        "navigator/expand_scored_few_shot",
    }
)
"""Templates that walks read where [learning] demonstrations are set, and nothing else ever does."""
