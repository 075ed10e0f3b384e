"""The tool of the general expert: what it may answer, and in which order it writes."""

import pytest
from jsonschema import Draft202012Validator

from taxonaut.models.gguf.grammar import tool_grammar
from taxonaut.tools.choose_category import LONGEST_REASON, Ask, choose_category_spec


@pytest.mark.parametrize("ask", ["choose", "rank", "think"])
def test_what_may_be_answered(ask: Ask) -> None:
    spec = choose_category_spec(ask, 3, 2)
    Draft202012Validator.check_schema(dict(spec.parameters))
    valid = Draft202012Validator(dict(spec.parameters)).is_valid
    reason = "x" * LONGEST_REASON[ask]
    for right in ([1], [3, 1], [0], [-1]):
        assert valid({"categories": right, "reason": reason})
    for wrong in ([], [4], [1, 2, 3], [-2], "1"):
        assert not valid({"categories": wrong, "reason": reason})
    assert not valid({"categories": [1], "reason": reason + "x"})


def test_a_grammar_lets_a_model_think_first_and_not_decide() -> None:
    grammar = tool_grammar([choose_category_spec("think", 2, 2)])
    first = grammar.text.splitlines()[0]
    assert first.index("reason") < first.index("categories")
    assert '("1" | "2" | "0" | "-1")' in grammar.text
