"""Requests made from the OpenAPI description: whatever is sent, no answer is a failure or is not described."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import BEARER, running

from taxonaut.workspace.workspace import Workspace

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]

LEFT_OUT = {"POST /api/jobs", "POST /api/jobs/{id}/continue"}
"""Each would start a process; test_jobs.py has them."""


def values(api: dict[str, Any], schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draw values of a schema, and now and then one of another kind."""
    if "$ref" in schema:
        return values(api, api["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return st.one_of(*(values(api, each) for each in choices))
    match schema.get("type"):
        case "string":
            least, most = schema.get("minLength", 0), min(schema.get("maxLength", 40), 40)
            named = st.sampled_from(["pears", "Sport > Shoes", "1", "anna", "<script>", "\x1b[31m", "\u202e"])
            return named | st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=most)
        case "integer":
            return st.integers(schema.get("minimum", -9), min(schema.get("maximum", 99), 99))
        case "number":
            return st.floats(schema.get("minimum", 0), schema.get("maximum", 9))
        case "boolean":
            return st.booleans()
        case "array":
            least = schema.get("minItems", 0)
            return st.lists(values(api, schema["items"]), min_size=least, max_size=least + 2)
        case "null":
            return st.none()
    known = {name: values(api, each) for name, each in schema.get("properties", {}).items()}
    needed = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: each for name, each in known.items() if name in needed},
        optional={name: each for name, each in known.items() if name not in needed},
    )


def cases(api: dict[str, Any], operation: Any) -> st.SearchStrategy[schemathesis.Case]:
    """Draw requests of an operation by `values`: schemathesis draws no objects with this Hypothesis."""
    raw = operation.definition.raw
    given_at: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
    for each in raw.get("parameters", []):
        if each["in"] in given_at:
            given_at[each["in"]][each["name"]] = values(api, each["schema"]).filter(
                lambda value: value not in (None, "")
            )
    bodies: Any = st.just(None)
    media_type, described = next(iter(raw.get("requestBody", {}).get("content", {}).items()), (None, {}))
    if media_type is not None:
        bodies = values(api, described["schema"])
    return st.tuples(bodies, *(st.fixed_dictionaries(each) for each in given_at.values())).map(
        lambda drawn: operation.Case(
            body=drawn[0] if media_type else schemathesis.core.NOT_SET,
            media_type=media_type,
            path_parameters={
                name: str(value).replace("/", "-").replace(".", "-") for name, value in drawn[1].items()
            },
            query=drawn[2],
        )
    )


def test_nothing_that_the_description_allows_breaks_the_service(workspace: Workspace) -> None:
    with running(workspace) as url:
        schema = schemathesis.openapi.from_url(f"{url}/api/openapi.json")
        api = schema.raw_schema
        operations = [each.ok() for each in schema.get_all_operations()]
        asked = [each for each in operations if each.label not in LEFT_OUT]
        for operation in asked:

            @settings(
                max_examples=10,
                deadline=None,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=cases(api, operation))
            def ask(case: schemathesis.Case) -> None:
                answer = case.call(headers=BEARER, timeout=20)
                case.validate_response(answer, checks=CHECKS)

            ask()
        assert len(asked) >= 35
