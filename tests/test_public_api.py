"""What people call has typed keywords: names and types are in the signature, none hides behind `**kwargs`."""

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import taxonaut
from taxonaut import Workspace
from taxonaut.workspace.build.builders import TreeSettings
from taxonaut.workspace.build.kmeans_tree import KMeansSettings
from taxonaut.workspace.core.config import (
    BuildConfig,
    CategorizeConfig,
    CategorizeSettings,
    WalkConfig,
    WalkSettings,
)

ROOT = Path(taxonaut.__file__).parent
FOLDERS = ("state", "tools", "prompts", "agents", "workspace", "evaluation", "recommend", "conversation")

FREE = {
    "conversation/answers.py: render_answer",  # the variables of a template
    "prompts/sandbox.py: _generate",  # as Jinja calls them
    "prompts/sandbox.py: call",
    "prompts/sandbox.py: bounded",
    "prompts/sandbox.py: get_template",
}
"""Functions whose keywords cannot be listed."""


def public_callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every function of `taxonaut.__all__`, and every public method of its classes that is ours."""
    for name in taxonaut.__all__:
        value = getattr(taxonaut, name)
        if not inspect.isclass(value):
            if inspect.isfunction(value):
                yield name, value
            continue
        for base in value.__mro__:
            if base.__module__.partition(".")[0] == "taxonaut":
                for own, method in vars(base).items():
                    function = getattr(method, "__func__", method)
                    if not own.startswith("_") and inspect.isfunction(function):
                        yield f"{name}.{own}", function


def untyped(function: Callable[..., Any]) -> list[str]:
    """The parameters that say nothing of what they take, and free keywords."""
    found = []
    for name, each in inspect.signature(function).parameters.items():
        if name in ("self", "cls"):
            continue
        bare = each.annotation is inspect.Parameter.empty
        free = each.kind is inspect.Parameter.VAR_KEYWORD
        if bare or (free and not str(each.annotation).startswith(("*", "typing.Unpack"))):
            found.append(str(each))
    return found


def test_public_functions_have_typed_keywords() -> None:
    checked = dict(public_callables())
    assert len(checked) > 100
    assert {name: bad for name, function in checked.items() if (bad := untyped(function))} == {}


def test_no_function_takes_keywords_of_any_kind() -> None:
    found = set()
    for path in (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.args.kwarg is None:
                continue
            annotation = node.args.kwarg.annotation
            if annotation is None or ast.unparse(annotation) in ("Any", "object"):
                found.add(f"{path.relative_to(ROOT).as_posix()}: {node.name}")
    assert found == FREE


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        (WalkSettings, set(WalkConfig.model_fields) - {"policy"}),
        (CategorizeSettings, set(CategorizeConfig.model_fields)),
        (TreeSettings, {each.name for each in fields(KMeansSettings)} | set(BuildConfig.model_fields)),
    ],
)
def test_keywords_are_the_settings_of_their_table(settings: Any, known: set[str]) -> None:
    assert set(get_type_hints(settings)) == known


@pytest.mark.parametrize(
    "name",
    [
        "classify",
        "categorize",
        "shortlists",
        "build_index",
        "assign_vocabulary",
        "add_labels",
        "train_expert",
    ],
)
def test_both_kinds_of_a_method_take_the_same(name: str) -> None:
    one, other = (inspect.signature(getattr(Workspace, each)) for each in (name, f"a{name}"))
    assert one == other


def test_whatever_takes_long_tells_how_far_it_is() -> None:
    quick = {"import_labels", "graph", "classification", "labelling", "explain", "cost", "forget_calibration"}
    quick |= {"list_runs", "get_run", "run_decisions"}
    quick |= {"merge_labels", "move_label", "split_label", "retire_labels", "restore_labels", "rename_label"}
    quick |= {"correct", "take_back", "feedback", "classification_of", "open_trained"}
    quick |= {"review_queue", "send_decisions"}
    own = {name for name, value in vars(Workspace).items() if inspect.isfunction(value) and name[0] != "_"}
    told = {name for name in own if "on_update" in inspect.signature(getattr(Workspace, name)).parameters}
    assert own - told == quick
