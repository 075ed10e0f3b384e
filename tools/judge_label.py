"""The tool `judge_label`: judge each label by itself (XMC-Agent, appendix C)."""

from taxonaut.state.records import ToolSpec
from taxonaut.tools.support.offers import choice_schema

FIELD = "fitting"


def judge_label_spec(count: int) -> ToolSpec:
    """Return the tool with a schema for `count` labels, each judged by itself."""
    return ToolSpec(
        "judge_label",
        "Say which of these labels fit the text, each judged by itself.",
        choice_schema(FIELD, count, count, "the labels that fit"),
    )
