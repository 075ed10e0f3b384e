"""`review_changes` read from calls: a verdict for each proposal, with a reason."""

from taxonaut.tools.write.review_changes import LONGEST_REASON, NO_REASON, review_changes, review_changes_spec


def test_a_verdict_for_each_proposal_in_their_order() -> None:
    given = {
        "2": {"reason": " overlaps\nwith pens ", "approve": False},
        "1": {"reason": "r" * 300, "approve": True},
        "3": {"reason": "  ", "approve": True},
        "4": {"reason": "not asked for", "approve": True},
    }
    assert review_changes(given, 3) == [
        (True, "r" * LONGEST_REASON),
        (False, "overlaps with pens"),
        (True, NO_REASON),
    ]


def test_the_schema_asks_for_a_reason_before_each_decision() -> None:
    spec = review_changes_spec(2)
    schema = spec.parameters
    assert spec.name == "review_changes"
    assert list(schema["properties"]) == schema["required"] == ["1", "2"]
    assert list(schema["properties"]["2"]["properties"]) == schema["properties"]["2"]["required"]
    assert schema["properties"]["2"]["required"] == ["reason", "approve"]
