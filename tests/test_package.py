"""The package as a whole: what is installed, what is public, what an import costs, how files refer to each other."""

import ast
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import taxonaut

pytestmark = pytest.mark.slow

ROOT = Path(taxonaut.__file__).parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

MODEL_LIBRARIES = [
    "litellm",
    "llama_cpp",
    "gguf",
    "onnxruntime",
    "tokenizers",
    "bm25s",
    "matplotlib",
    "scipy",
    "plotly",
    "torch",
    "transformers",
]
HEAVY = [*MODEL_LIBRARIES, "numpy", "duckdb", "langgraph", "langchain_core", "pydantic_ai"]


def test_every_folder_with_code_is_installed() -> None:
    found = [path.parent for folder in FOLDERS for path in (ROOT / folder).rglob("__init__.py")]
    inside = [".".join(path.relative_to(ROOT).parts) for path in found]
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == [
        "taxonaut",
        *sorted(f"taxonaut.{each}" for each in inside),
    ]


def test_nothing_but_the_entry_points_lies_in_the_root() -> None:
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py", "plugins.py"}


def test_one_module_imports_litellm() -> None:
    importing = [
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if "tests" not in path.relative_to(ROOT).parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_names(node)
        if name.partition(".")[0] == "litellm"
    ]
    assert importing == ["models/llm/client.py"]


def imported_names(node: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


def test_every_file_that_is_read_at_run_time_is_installed() -> None:
    data: dict[str, list[str]] = PROJECT["tool"]["setuptools"]["package-data"]
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if not path.is_file() or path.suffix in (".py", ".pyc"):
                continue
            package = next(parent for parent in path.parents if (parent / "__init__.py").is_file())
            name = ".".join(("taxonaut", *package.relative_to(ROOT).parts))
            inside = str(path.relative_to(package))
            assert any(fnmatch(inside, pattern) for pattern in data.get(name, [])), f"{path} is not installed"
    assert (ROOT / "py.typed").is_file()
    assert "py.typed" in data["taxonaut"]


def test_the_public_names_are_exactly_what_can_be_seen() -> None:
    assert sorted(taxonaut.__all__) == taxonaut.__all__ == dir(taxonaut)
    for name in taxonaut.__all__:
        value = getattr(taxonaut, name)
        assert value.__doc__ or isinstance(value, str), name
    with pytest.raises(AttributeError, match="module 'taxonaut' has no attribute 'nothing'"):
        getattr(taxonaut, "nothing")  # noqa: B009


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_s_public_names_can_be_imported(folder: str) -> None:
    module = import_module(f"taxonaut.{folder}")
    for name in getattr(module, "__all__", []):
        assert getattr(module, name).__doc__, name


def test_an_import_of_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, taxonaut; print([name for name in {HEAVY} if name in sys.modules])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


def test_importing_any_module_imports_no_model_library() -> None:
    names = [".".join(("taxonaut", *path.relative_to(ROOT).with_suffix("").parts)) for path in MODULES]
    code = (
        "import sys\nfrom importlib import import_module\n"
        f"for name in {names}:\n"
        "    import_module(name)\n"
        f"    loaded = [heavy for heavy in {MODEL_LIBRARIES} if heavy in sys.modules]\n"
        "    assert not loaded, (name, loaded)\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def undocumented(tree: ast.AST, name: str, *, inside_function: bool = False) -> list[str]:
    """The public modules, classes, functions and methods below a node that have no docstring."""
    missing = []
    documented = isinstance(tree, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    if documented and not ast.get_docstring(tree):  # type: ignore[arg-type]
        missing.append(name)
    if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        return missing
    for child in ast.iter_child_nodes(tree):
        if isinstance(
            child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and not child.name.startswith("_"):
            missing += undocumented(child, f"{name}.{child.name}")
    return missing


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_public_is_documented(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert undocumented(ast.parse(source), str(path.relative_to(ROOT))) == []


def test_the_command_line_imports_ours_at_the_top_of_a_module() -> None:
    inside = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "cli").rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and "taxonaut" in ast.unparse(node)
    ]
    assert inside == []


def test_no_machine_s_own_paths_and_no_bare_imports() -> None:
    folders = tuple(FOLDERS)
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        assert "/home/" not in source, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                assert node.module.split(".")[0] not in folders, path


def module_name(path: Path) -> str:
    parts = ("taxonaut", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports() -> dict[str, set[str]]:
    """What each module of ours imports of ours, wherever in it: at the top, in functions, for the type checker."""
    paths = {module_name(path): path for path in [ROOT / "__init__.py", ROOT / "__main__.py", *MODULES]}
    found: dict[str, set[str]] = {}
    for name, path in paths.items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                named |= {f"{node.module}.{each.name}" for each in node.names} | {node.module}
            elif isinstance(node, ast.Import):
                named |= {each.name for each in node.names}
        inside = {each for each in named if each in paths and each != name}
        found[name] = {each for each in inside if not any(other.startswith(f"{each}.") for other in inside)}
    return found


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of modules each of which leads to all others of its group."""
    reached = {name: reach(graph, name) for name in graph}
    groups = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in graph
        if name in reached[name]
    }
    return sorted(map(list, groups))


def reach(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """The modules that one leads to."""
    seen: set[str] = set()
    waiting = [*graph[start]]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}, "e": set()}) == [["a", "b", "c"]]


def test_no_module_leads_back_to_itself() -> None:
    assert circles(imports()) == []


COUNTERPARTS = {
    "assistant.py": "one that a language model leads, and one on an embedder",
    "categorize.py": "the graph, and the run over items",
    "catalog.py": "what can be named: models, tools",
    "chat.py": "a model in a conversation, by provider",
    "checks.py": "of a tree, of a template",
    "definitions.py": "the table, and who writes it",
    "embedder.py": "the protocol, and what follows it by provider",
    "errors.py": "of the package, and LiteLLM's as ours",
    "files.py": "of templates, and a tool on files",
    "history.py": "of the index, and the tool that tells it",
    "icxml.py": "a baseline's agents, and the method of `evaluate`",
    "names.py": "made from words, and found in a message",
    "split_node.py": "the tool, and the build of the sub-tree",
}
"""File names that stand in several folders, and what tells the files apart."""


def test_no_two_files_share_a_name_unless_they_are_counterparts() -> None:
    """A graph and its state are, by rule; a command's file may have the name of what it calls."""
    places: dict[str, list[str]] = {}
    for path in MODULES:
        folder = path.parent.relative_to(ROOT).as_posix()
        if path.name != "__init__.py" and not folder.startswith("cli"):
            places.setdefault(path.name, []).append(folder)
    shared = {
        name
        for name, folders in places.items()
        if len(folders) > 1 and sorted(folders) != ["graphs", "state/graph_states"]
    }
    assert shared == set(COUNTERPARTS)


def test_no_folder_holds_more_than_16_files() -> None:
    counts = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    assert {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > 16} == {}


HEAVY_MODULES = {
    "taxonaut.graphs.converse",  # LangGraph and LangChain's messages
    "taxonaut.models.gguf.chat",
    "taxonaut.models.gguf.provider",
    "taxonaut.models.llm.chat",
    "taxonaut.models.llm.gateway",
    "taxonaut.models.llm.pydantic_model",
    "taxonaut.models.llm.yes_no",
}
"""Modules of ours that load pydantic-ai or LangGraph when they are imported; others may import them where used."""


def test_imports_of_ours_stand_at_the_top_but_those_that_load_much() -> None:
    inside = {
        (str(path.relative_to(ROOT)), node.module)
        for path in MODULES
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "taxonaut"
    }
    assert (
        sorted(each for each in inside if each[1] not in HEAVY_MODULES and not each[0].startswith("cli/"))
        == []
    )


def test_a_workspace_is_imported_without_pydantic_ai_and_langgraph() -> None:
    heavy = [*MODEL_LIBRARIES, "langgraph", "langchain_core", "pydantic_ai"]
    code = (
        f"import sys, taxonaut.workspace.workspace; print([name for name in {heavy} if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
