"""What a model sees of each tool: a valid JSON schema, a docstring as its description, exactly what is on "
"offer."""

import inspect
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_ai.tools import ToolDefinition

from taxonaut import tools
from taxonaut.state.index.index import Index
from taxonaut.state.records import ToolSpec
from taxonaut.tools import catalog

NAMES = [
    "list_children",
    "expand_node",
    "propose_category",
    "assign_label",
    "rank_candidates",
    "search_labels",
    "move_node",
    "rename_node",
    "merge_nodes",
    "split_node",
    "remove_node",
    "merge_labels",
    "split_label",
    "move_label",
    "retire_labels",
    "restore_labels",
]
KEYWORDS = {
    "array": {"items", "minItems", "maxItems"},
    "integer": {"enum", "minimum", "maximum", "default"},
    "object": {"properties", "required", "additionalProperties"},
    "string": {"minLength", "maxLength"},
}


def check(schema: dict[str, Any]) -> None:
    """Hold a schema to the subset of JSON Schema that grammars and strict servers know."""
    kind = schema["type"]
    assert set(schema) <= {"type", "description", *KEYWORDS[kind]}
    if kind == "object":
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) <= set(schema["properties"])
        for part in schema["properties"].values():
            check(part)
    if kind == "array":
        check(schema["items"])
        assert schema.get("minItems", 0) <= schema.get("maxItems", 10**9)


def test_the_catalog_lists_every_tool(index: Index) -> None:
    specs = catalog(index)
    assert [spec.name for spec in specs] == NAMES
    functions = {name for name in tools.__all__ if inspect.isfunction(getattr(tools, name))}
    assert functions == {*NAMES, "catalog", "rename_label"}


@pytest.mark.parametrize("name", NAMES)
def test_each_tool_is_described_by_its_docstring_under_a_valid_schema(index: Index, name: str) -> None:
    spec = next(spec for spec in catalog(index) if spec.name == name)
    function = getattr(tools, name)
    assert spec.description == function.__doc__
    assert "\n\n" not in spec.description
    check(dict(spec.parameters))
    ToolDefinition(name=name, parameters_json_schema=dict(spec.parameters))


def test_parameters_are_those_of_the_function_unless_numbers_stand_for_them(index: Index) -> None:
    numbered = {"expand_node": ["branches"], "assign_label": ["centres"], "rank_candidates": ["labels"]}
    for spec in catalog(index):
        taken = [name for name in inspect.signature(getattr(tools, spec.name)).parameters if name != "index"]
        assert list(spec.parameters["properties"]) == numbered.get(spec.name, taken)


def values(spec: ToolSpec) -> tuple[list[int], int, int]:
    (field,) = spec.parameters["properties"].values()
    return field["items"]["enum"], field["minItems"], field["maxItems"]


@pytest.mark.parametrize("write", [tools.expand_node, tools.assign_label, tools.rank_candidates])
@pytest.mark.parametrize(("count", "most"), [(1, 1), (3, 2), (64, 8)])
def test_a_choice_names_what_is_on_offer_and_nothing_else(write: Any, count: int, most: int) -> None:
    from importlib import import_module

    module = import_module(write.__module__)
    spec = getattr(module, f"{write.__name__}_spec")(count, most)
    assert values(spec) == ([0, *range(1, count + 1)], 1, most)
    assert list(spec.parameters["properties"]) == [module.FIELD] == spec.parameters["required"]


def test_the_catalog_is_written_from_the_live_index(index: Index) -> None:
    before = {spec.name: spec for spec in catalog(index, shortlist=5)}
    assert values(before["expand_node"]) == ([0, 1, 2], 1, 2)
    assert values(before["rank_candidates"]) == ([0, 1, 2, 3, 4, 5], 1, 10)
    index.create_node(index.root(), "Toys")
    after = {spec.name: spec for spec in catalog(index)}
    assert values(after["expand_node"]) == ([0, 1, 2, 3], 1, 3)


def test_an_empty_index_has_a_catalog_too(database: Any) -> None:
    assert [spec.name for spec in catalog(Index(database))] == NAMES


def test_pydantic_reads_the_functions_signatures() -> None:
    adapter = TypeAdapter(tools.search_labels.__annotations__["limit"])
    with pytest.raises(ValidationError):
        adapter.validate_python("many")
