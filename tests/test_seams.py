"""Tests hand their stand-ins in: nothing of ours is replaced under a running test, and embedders have one home."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent

REPLACED = {
    "available_cores": "how many cores there are",
    "wait_for_change": "the wait for a user to save a file",
    "default_threads": "how many cores there are",
    "entry_points": "what is installed, of importlib.metadata",
    "has_fast_int8": "what the CPU can do",
    "evaluate": "figures of a network that would take long to train",
    "find_spec": "what is installed, of importlib",
    "read_config": "weights whose configuration says something else than they were made with",
    "rows": "the number of lookups, counted as they pass through",
    "columns": "the number of lookups, counted as they pass through",
    "piece": "a vocabulary that no real weights have",
}
"""Names of ours that tests replace all the same, and what each stands for. Constants may be made smaller."""

STRANGERS = {
    "acompletion",  # LiteLLM
    "aembedding",
    "extract",  # zipfile
    "getaddrinfo",  # socket
    "connect",
    "name",  # a loop over the names of socket.socket
    "stdout",
    "stdin",
    "isatty",
    "time_ns",
    "__import__",
    "_last_v6_timestamp",  # LangGraph
}
"""Names of Python and of other packages."""


def replacements(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The names that a test file replaces by `monkeypatch.setattr`, `delattr` or `mock.patch`, with their lines."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        called, holder = node.func.attr, ast.unparse(node.func.value)
        if (
            called in ("setattr", "delattr")
            or called == "patch"
            or (called == "object" and holder.endswith("patch"))
        ):
            target = node.args[0] if isinstance(node.args[0], ast.Constant | ast.JoinedStr) else node.args[1]
            yield node.lineno, ast.unparse(target).strip("'\"").rpartition(".")[2]


def sources() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(TESTS.rglob("*.py")):
        yield path.relative_to(TESTS).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_no_test_replaces_wiring() -> None:
    allowed = REPLACED.keys() | STRANGERS
    found = [
        f"{name}:{line}: {replaced}"
        for name, tree in sources()
        for line, replaced in replacements(tree)
        if not replaced.isupper() and replaced not in allowed
    ]
    assert found == [], (
        "hand the object in: Workspace.open(models=, embedder=, classifier=), GlobalOptions(...)"
    )


def test_embedders_are_in_one_file() -> None:
    found = [
        f"{name}: {node.name}"
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(each, ast.FunctionDef) and each.name == "embed" for each in node.body)
    ]
    assert found == ["fakes.py: FakeEmbedder"]
