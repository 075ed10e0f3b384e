"""Compile JSON schemas of tools to a llama.cpp grammar (GBNF) that accepts exactly valid calls."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.state.records import ToolSpec

LONGEST_STRING = 300
MOST_ITEMS = 32
_WIDEST_RANGE = 2000
_SPACE = '" "?'
_CHARACTER = r"""[^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt]"""
_INTEGER = '"-"? ("0" | [1-9] [0-9]{0,14})'

_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "deprecated"})
_KEYWORDS = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum"}),
    "number": frozenset[str](),
    "boolean": frozenset[str](),
    "null": frozenset[str](),
}


@dataclass(frozen=True, slots=True)
class Grammar:
    """GBNF text, the characters of its literals, and the length of the longest accepted text."""

    text: str
    literals: frozenset[str]
    longest: int


def tool_grammar(tools: Sequence[ToolSpec]) -> Grammar:
    """Compile the grammar of one call of one of the tools.

    For a single tool it is the JSON of its arguments, for several `{"name": "…", "arguments": {…}}`. All properties
    are present, required or not, in the schema's order; a space is allowed only after `:` and `,`. Strings without
    `maxLength` have at most 300 characters, arrays without `maxItems` at most 32 items. Raises InputError for
    keywords that a grammar cannot enforce (`pattern`, `uniqueItems`, …).
    """
    writer = _Writer()
    if len(tools) == 1:
        root = writer.schema(tools[0].parameters, tools[0].name, tools[0].parameters)
    else:
        calls = []
        for tool in tools:
            arguments = writer.schema(tool.parameters, tool.name, tool.parameters)
            head = writer.literal(f'{{"name": {json.dumps(tool.name)}, "arguments": ')
            calls.append(_concatenate([head, arguments, writer.literal("}")]))
        root = _alternatives(calls)
    return Grammar(writer.text(root), frozenset(writer.literals), root.longest)


@dataclass(frozen=True, slots=True)
class _Part:
    """An expression and the most characters it matches."""

    text: str
    longest: int


def _concatenate(parts: Sequence[_Part]) -> _Part:
    return _Part(" ".join(part.text for part in parts), sum(part.longest for part in parts))


def _alternatives(parts: Sequence[_Part]) -> _Part:
    return _Part("(" + " | ".join(part.text for part in parts) + ")", max(part.longest for part in parts))


class _Writer:
    """Collects the named rules; each schema becomes an expression that may refer to them."""

    def __init__(self) -> None:
        self.rules: dict[str, str] = {}
        self.literals: set[str] = set()

    def text(self, root: _Part) -> str:
        named = [f"{name} ::= {rule}" for name, rule in self.rules.items()]
        return "\n".join([f"root ::= {root.text}", *named])

    def literal(self, text: str) -> _Part:
        self.literals.update(text)
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return _Part(f'"{escaped}"', len(text))

    def value(self, value: object) -> _Part:
        return self.literal(json.dumps(value, ensure_ascii=False))

    def named(self, part: _Part) -> _Part:
        """Make a named rule of an expression."""
        for name, rule in self.rules.items():
            if rule == part.text:
                return _Part(name, part.longest)
        name = f"r{len(self.rules)}"
        self.rules[name] = part.text
        return _Part(name, part.longest)

    def schema(self, schema: Mapping[str, Any], where: str, top: Mapping[str, Any]) -> _Part:
        rest = {key: value for key, value in schema.items() if key not in _ANNOTATIONS and key != "$defs"}
        if "$ref" in rest:
            return self.reference(rest, where, top)
        if "const" in rest:
            _check_keywords(rest, {"const", "type"}, where)
            return self.value(rest["const"])
        if "enum" in rest:
            _check_keywords(rest, {"enum", "type"}, where)
            return _alternatives([self.value(value) for value in rest["enum"]])
        for keyword in ("anyOf", "oneOf"):
            if keyword in rest:
                _check_keywords(rest, {keyword}, where)
                return _alternatives([self.schema(option, where, top) for option in rest[keyword]])
        kind = rest.get("type")
        if isinstance(kind, list):
            return _alternatives([self.schema({**rest, "type": one}, where, top) for one in kind])
        if kind not in _KEYWORDS:
            raise InputError(
                f"the schema of {where!r} has type {kind!r}; a grammar knows {', '.join(_KEYWORDS)}"
            )
        _check_keywords(rest, {"type", *_KEYWORDS[kind]}, where)
        return self.typed(kind, rest, where, top)

    def typed(self, kind: str, schema: Mapping[str, Any], where: str, top: Mapping[str, Any]) -> _Part:
        if kind == "object":
            return self.object(schema, where, top)
        if kind == "array":
            return self.array(schema, where, top)
        if kind == "string":
            return self.string(schema, where)
        if kind == "integer":
            return self.integer(schema, where)
        if kind == "number":
            self.literals.update("-.0123456789")
            return _Part(f'{_INTEGER} ("." [0-9]{{1,6}})?', 23)
        return _alternatives(
            [self.value(value) for value in ((True, False) if kind == "boolean" else (None,))]
        )

    def object(self, schema: Mapping[str, Any], where: str, top: Mapping[str, Any]) -> _Part:
        if isinstance(schema.get("additionalProperties"), dict):
            raise _unsupported("additionalProperties", where)
        parts = [self.literal("{")]
        for position, (name, inner) in enumerate(schema.get("properties", {}).items()):
            if position:
                parts += [self.literal(","), _Part(_SPACE, 1)]
            parts += [self.literal(json.dumps(name, ensure_ascii=False) + ":"), _Part(_SPACE, 1)]
            parts.append(self.schema(inner, f"{where}.{name}", top))
        return _concatenate([*parts, self.literal("}")])

    def array(self, schema: Mapping[str, Any], where: str, top: Mapping[str, Any]) -> _Part:
        least, most = schema.get("minItems", 0), schema.get("maxItems", MOST_ITEMS)
        if "items" not in schema:
            raise _unsupported("an array without items", where)
        if least > most:
            raise _unsupported("minItems above maxItems", where)
        item = self.named(self.schema(schema["items"], f"{where}[]", top))
        if most == 0:
            return self.literal("[]")
        more = f'("," {_SPACE} {item.text}){{{max(0, least - 1)},{most - 1}}}'
        inner = f"{item.text} {more}" if most > 1 else item.text
        self.literals.update("[],")
        return _Part(f'"[" {inner if least else f"({inner})?"} "]"', 2 + most * (item.longest + 2))

    def string(self, schema: Mapping[str, Any], where: str) -> _Part:
        least, most = schema.get("minLength", 0), schema.get("maxLength", LONGEST_STRING)
        if least > most:
            raise _unsupported("minLength above maxLength", where)
        character = self.named(_Part(_CHARACTER, 2))
        self.literals.update('"')
        return _Part(f'"\\"" {character.text}{{{least},{most}}} "\\""', 2 + 2 * most)

    def integer(self, schema: Mapping[str, Any], where: str) -> _Part:
        least, most = schema.get("minimum"), schema.get("maximum")
        self.literals.update("-0123456789")
        if least is None and most is None:
            return _Part(_INTEGER, 16)
        if least is None or most is None or not 0 <= most - least <= _WIDEST_RANGE:
            raise _unsupported(f"minimum {least!r} with maximum {most!r}", where)
        return _alternatives([self.value(value) for value in range(least, most + 1)])

    def reference(self, schema: Mapping[str, Any], where: str, top: Mapping[str, Any]) -> _Part:
        _check_keywords(schema, {"$ref"}, where)
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        if name not in top.get("$defs", {}) or f" {name}" in where:
            raise _unsupported(f"$ref {schema['$ref']!r}", where)
        return self.schema(top["$defs"][name], f"{where} {name}", top)


def _check_keywords(schema: Mapping[str, Any], known: set[str], where: str) -> None:
    for keyword in schema:
        if keyword not in known:
            raise _unsupported(keyword, where)


def _unsupported(what: str, where: str) -> InputError:
    return InputError(
        f"the schema of {where!r} has {what}, which a grammar cannot hold a model to; "
        "leave it out, or use a model on a server"
    )
