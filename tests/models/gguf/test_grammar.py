"""Grammars: what they let through is valid JSON that the schema allows, and they refuse what they cannot hold."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.gguf.grammar import tool_grammar
from taxonaut.state.errors import InputError
from taxonaut.state.records import ToolSpec


def _tool(schema: dict[str, Any], name: str = "act") -> ToolSpec:
    return ToolSpec(name, "Act.", schema)


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


CHOICE = _object(
    ids={"type": "array", "items": {"type": "integer", "enum": [0, 1, 2]}, "minItems": 1, "maxItems": 2}
)


def _pattern(grammar: str) -> re.Pattern[str]:
    """Turn a grammar without recursion into a regular expression, for tests that need no llama.cpp."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.split("\n"))
    piece = re.compile(r'"((?:[^"\\]|\\.)*)"|(\[\^?(?:[^\]\\]|\\.)*\])|([a-z][a-z0-9]*)|(\s+)|(.)')

    def expand(rule: str) -> str:
        found = []
        for literal, characters, name, blank, other in piece.findall(rule):
            if characters or other or blank:
                found.append(characters or other)
            elif name:
                found.append(f"(?:{expand(rules[name])})")
            else:
                text = literal.replace('\\"', '"').replace("\\\\", "\\")
                found.append(f"(?:{re.escape(text)})")
        return "".join(found)

    return re.compile(expand(rules["root"]))


def _accepts(schema: dict[str, Any], text: str) -> bool:
    return _pattern(tool_grammar([_tool(schema)]).text).fullmatch(text) is not None


def test_a_choice_as_text() -> None:
    assert tool_grammar([_tool(CHOICE)]).text == (
        'root ::= "{" "\\"ids\\":" " "? "[" r0 ("," " "? r0){0,1} "]" "}"\nr0 ::= ("0" | "1" | "2")'
    )


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ('{"ids":[1]}', True),
        ('{"ids": [2, 0]}', True),
        ('{"ids":[]}', False),
        ('{"ids":[3]}', False),
        ('{"ids":[12]}', False),
        ('{"ids":[0,1,2]}', False),
        ('{"ids":\n[1]}', False),
        ("{}", False),
    ],
)
def test_ids_are_those_on_offer(text: str, accepted: bool) -> None:
    assert _accepts(CHOICE, text) is accepted


def test_of_several_tools_one_is_named() -> None:
    grammar = tool_grammar([_tool(CHOICE, "open"), _tool(_object(), "stop")])
    pattern = _pattern(grammar.text)
    assert pattern.fullmatch('{"name": "open", "arguments": {"ids":[1]}}')
    assert pattern.fullmatch('{"name": "stop", "arguments": {}}')
    assert not pattern.fullmatch('{"name": "stop", "arguments": {"ids":[1]}}')


def test_strings_hold_no_control_characters() -> None:
    schema = _object(reason={"type": "string", "maxLength": 5})
    assert _accepts(schema, '{"reason": "fits\\n"}')
    assert _accepts(schema, '{"reason": "数据 🚲"}')
    for bad in ('{"reason": "a\nb"}', '{"reason": "\x7f"}', '{"reason": "sixsix"}', '{"reason": "\\u12"}'):
        assert not _accepts(schema, bad)


def test_other_types() -> None:
    schema = _object(
        sure={"type": "boolean"},
        note={"anyOf": [{"const": 'say "x"\\'}, {"type": "null"}]},
        share={"type": "number"},
        rank={"type": "integer", "minimum": -1, "maximum": 1},
        count={"type": "integer"},
        kind={"$ref": "#/$defs/Kind"},
        either={"type": ["integer", "null"]},
    )
    schema["$defs"] = {"Kind": {"enum": ["a", "ü"], "type": "string"}}
    call = {
        "sure": True,
        "note": 'say "x"\\',
        "share": -0.5,
        "rank": -1,
        "count": 40,
        "kind": "ü",
        "either": None,
    }
    assert _accepts(schema, json.dumps(call, ensure_ascii=False))
    for name, bad in {"sure": 1, "note": "", "rank": 2, "count": 0.5, "kind": "b", "either": "x"}.items():
        assert not _accepts(schema, json.dumps({**call, name: bad}, ensure_ascii=False))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "pattern": "a+"}, "'act.x' has pattern"),
        ({"type": "array", "items": {"type": "null"}, "uniqueItems": True}, "'act.x' has uniqueItems"),
        ({"type": "array"}, "'act.x' has an array without items"),
        ({"type": "integer", "minimum": 3}, "'act.x' has minimum 3 with maximum None"),
        ({"$ref": "#/$defs/No"}, "'act.x' has $ref '#/$defs/No'"),
        ({"allOf": []}, "'act.x' has type None"),
        ({"type": "object", "additionalProperties": {"type": "null"}}, "'act.x' has additionalProperties"),
        ({"type": "string", "format": "date"}, "'act.x' has format"),
    ],
)
def test_what_cannot_be_held_is_refused(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        tool_grammar([_tool(_object(x=schema))])


def test_a_schema_inside_itself_is_refused() -> None:
    schema = {**_object(x={"$ref": "#/$defs/T"}), "$defs": {"T": _object(x={"$ref": "#/$defs/T"})}}
    with pytest.raises(InputError, match=r"has .ref '#/.defs/T'"):
        tool_grammar([_tool(schema)])


@given(
    ids=st.lists(st.integers(0, 99), min_size=1, max_size=20, unique=True),
    most=st.integers(1, 5),
    data=st.data(),
)
def test_every_choice_and_no_other_gets_through(ids: list[int], most: int, data: st.DataObject) -> None:
    schema = _object(
        ids={"type": "array", "items": {"type": "integer", "enum": ids}, "minItems": 1, "maxItems": most}
    )
    grammar = tool_grammar([_tool(schema)])
    call = data.draw(st.lists(st.integers(0, 99), min_size=0, max_size=6))
    text = json.dumps({"ids": call})
    valid = 1 <= len(call) <= most and set(call) <= set(ids)
    assert (_pattern(grammar.text).fullmatch(text) is not None) is valid
    if valid:
        assert len(text) <= grammar.longest
        assert set(text) - {" "} <= grammar.literals


@given(st.text(max_size=20))
def test_any_text_may_be_a_constant(text: str) -> None:
    schema = _object(x={"const": text})
    assert _accepts(schema, json.dumps({"x": text}, ensure_ascii=False))
