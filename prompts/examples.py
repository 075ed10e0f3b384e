"""An example of what each template is rendered with, for those that have decided nothing in a workspace yet."""

from collections.abc import Mapping
from typing import Any

from taxonaut.prompts.variables import DescriptorText, OptionText

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
SHARED: dict[str, dict[str, Any]] = {
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
LISTED = {
    "annotator/assign_items": "1. brown boots\n2. a golf ball",
    "annotator/assign_labels": "1. Boots\n2. Golf balls",
    "annotator/propose_change": "3 in all, such as:\n- a tennis net\n- a goal net",
    "architect/propose_centres": "- Boots\n- Golf balls",
    "architect/propose_descriptors": "- brown boots\n- a golf ball",
    "architect/review_changes": "1. Create 'Nets': stretched between posts — for 3 items",
    "general_expert/define": "- a golf ball\n- a football",
}
"""The `text` of templates that read several; the others read one item."""


def example(name: str) -> Mapping[str, Any]:
    """Return a template's variables."""
    return {**SHARED[name], "text": LISTED.get(name, "wireless earbuds")}
