"""The tool `rank_candidates` for choosing one category, with a reason, `none fits` and `undecided`."""

from typing import Any, Literal

from taxonaut.state.records import ToolSpec
from taxonaut.tools.support.offers import NONE_ID, UNDECIDED_ID

FIELD = "categories"
REASON = "reason"

Ask = Literal["choose", "rank", "think"]
"""What is asked for: the best candidate, a ranking of all plausible ones, or a ranking after reasoning."""

LONGEST_REASON = {"choose": 200, "rank": 200, "think": 600}
"""Maximum characters of a reason; with `think` it holds the model's reasoning."""

DESCRIPTIONS = {
    "choose": "Choose the one category that a product belongs to, and say why.",
    "rank": "Rank the categories that a product may belong to, the likeliest first, and say why.",
    "think": "Think about what a product is for, then rank the categories it may belong to, the likeliest first.",
}
REASONS = {
    "choose": "What in the text decided, in a sentence.",
    "rank": "What in the text put the first before the others, in a sentence.",
    "think": "The clues in the text, who would use the product, and when and for what.",
}


def choose_category_spec(ask: Ask, count: int, most: int) -> ToolSpec:
    """Return the tool with a schema for one list: numbers 1 to `count`, at most `most` of them, or [0], or [-1].

    A model writes a call in the schema's order: with `think` it reasons before it ranks, otherwise it explains after.
    """
    categories: dict[str, Any] = {
        "type": "array",
        "items": {"type": "integer", "enum": [*range(1, count + 1), NONE_ID, UNDECIDED_ID]},
        "minItems": 1,
        "maxItems": most,
        "description": (
            f"The numbers of the categories, the likeliest first; [{NONE_ID}] if none fits; "
            f"[{UNDECIDED_ID}] if the text says too little to tell."
        ),
    }
    reason = {"type": "string", "maxLength": LONGEST_REASON[ask], "description": REASONS[ask]}
    properties = {FIELD: categories, REASON: reason}
    if ask == "think":
        properties = {REASON: reason, FIELD: categories}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return ToolSpec("rank_candidates", DESCRIPTIONS[ask], schema)
