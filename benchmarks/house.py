"""How the code is organised: files, lines and imports by folder, and what four commands run through.

    python benchmarks/house.py [--structure | --trace] [--json FILE]

The package is found by walking the root's folders that have an `__init__.py`, to any depth, so the figures
stay comparable when folders are divided or renamed; tests and benchmarks do not count. Imports are read with
`ast` wherever they stand. Each command is traced in a process of its own, in a copy of a small workspace, with
the embedded default model: its weights have to be in the cache (`taxonaut models pull`).
"""

import argparse
import ast
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

PACKAGE = "taxonaut"
ROOT = Path(__file__).resolve().parents[1]
NOT_SOURCE = {"tests", "benchmarks", "docs"}
EXAMPLE = """example:
  python benchmarks/house.py --structure
  python benchmarks/house.py --trace --json .build/house.json
"""

LABELS = """path
Electronics > Audio > Wireless earbuds\nElectronics > Audio > Bluetooth speakers
Electronics > Photo > Digital cameras\nSport > Shoes > Running shoes\nSport > Shoes > Hiking boots
Sport > Camping > Family tents\nFood > Fruit > Red apples\nFood > Fruit > Green pears
"""
NEW_LABELS = "id,name\nplums,Sweet plums\nlenses,Camera lenses\n"
ITEMS = """text
fresh red apples\na bag of green pears\nripe plums\nhiking boots for wet paths
light running shoes\ntrail shoes\na tent for four\na sleeping bag
wireless earbuds\na bluetooth speaker for the garden\na digital camera\na lens for portraits
"""
COMMANDS: dict[str, list[str]] = {
    "classify, one text": ["classify", "wireless earbuds with noise cancelling"],
    "labels add, 2 labels": ["labels", "add", "new.csv"],
    "vocabulary build, 12 items": ["vocabulary", "build", "items.csv"],
    "chat, one question": ["chat", "--once", "where would wireless earbuds go?"],
}


@dataclass
class Imports:
    """The modules that one file imports: always, when it is loaded, and inside functions."""

    all: set[str] = field(default_factory=set)
    on_load: set[str] = field(default_factory=set)
    in_functions: int = 0
    """Statements inside functions that import from the package."""


class Modules:
    """The modules of the package, by name: their files, and the names that packages re-export."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = {self.name(path): path for path in sorted(self.walk(root))}
        self.trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.files.items()}
        self.exported = {
            name: dict(self.bindings(name)) for name, path in self.files.items() if self.is_package(path)
        }

    @staticmethod
    def is_package(path: Path) -> bool:
        return path.name == "__init__.py"

    @staticmethod
    def walk(root: Path) -> Iterator[Path]:
        """Yield the files in the root and all those below its packages."""
        yield from root.glob("*.py")
        for package in root.glob("*/__init__.py"):
            if package.parent.name not in NOT_SOURCE:
                yield from package.parent.rglob("*.py")

    def name(self, path: Path) -> str:
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join((PACKAGE, *(part for part in parts if part != "__init__")))

    def origin(self, module: str, node: ast.ImportFrom) -> str:
        """Return the absolute name of the module that a `from` statement names."""
        if not node.level:
            return node.module or ""
        up = node.level - self.is_package(self.files[module])
        parts = module.split(".")[: -up or None]
        return ".".join([*parts, node.module] if node.module else parts)

    def bindings(self, package: str) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield the names that a package's `__init__` imports from the package, and where from."""
        for node in self.trees[package].body:
            if isinstance(node, ast.ImportFrom) and self.origin(package, node).startswith(PACKAGE):
                for alias in node.names:
                    yield alias.asname or alias.name, (self.origin(package, node), alias.name)

    def targets(self, module: str, node: ast.stmt, *, follow: bool = False) -> Iterator[str]:
        """Yield the modules that an import statement names.

        With `follow`, a name that a package re-exports leads to the module that defines it.
        """
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in self.files)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                home, name = self.origin(module, node), alias.name
                while follow and name in self.exported.get(home, {}):
                    home, name = self.exported[home][name]
                reexported = name in self.exported.get(home, {})
                found = f"{home}.{name}" if f"{home}.{name}" in self.files and not reexported else home
                if found in self.files:
                    yield found

    def imports(self, module: str, *, follow: bool = False) -> Imports:
        """Read the imports of one module, wherever they stand."""
        read = Imports()

        def visit(node: ast.AST, *, inside: bool, typing: bool) -> None:
            if isinstance(node, ast.Import | ast.ImportFrom):
                found = {name for name in self.targets(module, node, follow=follow) if name != module}
                read.all |= found
                read.on_load |= set() if inside or typing else found
                read.in_functions += inside and bool(found)
            inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            for child in ast.iter_child_nodes(node):
                under = guarded and isinstance(node, ast.If) and child in node.body
                visit(child, inside=inside, typing=typing or under)

        visit(self.trees[module], inside=False, typing=False)
        return read


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of more than one module, the largest first."""
    reach: dict[str, set[str]] = {}
    for start in edges:
        seen, waiting = {start}, [start]
        while waiting:
            new = edges[waiting.pop()] - seen
            seen |= new
            waiting += new
        reach[start] = seen
    found = {frozenset(other for other in reach[name] if name in reach[other]) for name in edges}
    return sorted(
        (sorted(circle) for circle in found if len(circle) > 1), key=lambda names: (-len(names), names)
    )


def structure(root: Path = ROOT) -> dict[str, Any]:
    """Measure the package's files and imports.

    Importers are counted through re-exports: a file imported by one file and listed in its package's
    `__init__` has one importer. The files next to the packages count as importers only.
    """
    modules = Modules(root)
    files = {name: path for name, path in modules.files.items() if path.parent != root}
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files.items()}
    direct = {name: modules.imports(name) for name in files}
    importers: dict[str, set[str]] = defaultdict(set)
    for name, path in modules.files.items():
        if not modules.is_package(path):
            for target in modules.imports(name, follow=True).all:
                importers[target].add(name)
    once = [
        name for name, path in files.items() if len(importers[name]) == 1 and not modules.is_package(path)
    ]
    folders: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    names: dict[str, list[str]] = defaultdict(list)
    lazy: Counter[str] = Counter()
    for name, path in files.items():
        inner = path.relative_to(root)
        folders[f"{inner.parent.as_posix()}/"][0] += 1
        folders[f"{inner.parent.as_posix()}/"][1] += lines[name]
        lazy[f"{inner.parts[0]}/"] += direct[name].in_functions
        if not modules.is_package(path):
            names[path.name].append(f"{inner.parent.as_posix()}/")
    return {
        "files": len(files),
        "lines": sum(lines.values()),
        "median lines of a file": statistics.median(lines.values()),
        "files with one importer": len(once),
        "lines of files with one importer": sum(lines[name] for name in once),
        "import circles": circles({name: read.all & files.keys() for name, read in direct.items()}),
        "import circles on load": circles(
            {name: read.on_load & files.keys() for name, read in direct.items()}
        ),
        "imports in functions": lazy.total(),
        "imports in functions by folder": dict(sorted(lazy.items())),
        "most files in one folder": max((count, name) for name, (count, _) in folders.items()),
        "file names in several folders": {name: at for name, at in sorted(names.items()) if len(at) > 1},
        "files and lines by folder": dict(sorted(folders.items())),
    }


class Tracer:
    """Counts the calls of the package's functions, in all threads.

    Bodies of modules and classes are not calls, nor is what runs while a module is loaded; a generator or a
    coroutine that goes on is not called again. Lambdas and comprehensions are no functions with a name.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = {str(path) for path in files}
        self.calls: Counter[CodeType] = Counter()
        self.entry: dict[CodeType, int] = {}
        self.local = threading.local()

    def event(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if code.co_name == "<module>" and event in ("call", "return"):
            self.local.loading = getattr(self.local, "loading", 0) + (1 if event == "call" else -1)
        elif event == "call" and code.co_filename in self.files and not getattr(self.local, "loading", 0):
            if code.co_name.startswith("<") or not code.co_flags & 1:  # 1: CO_OPTIMIZED, functions only
                return
            if self.entry.setdefault(code, frame.f_lasti) == frame.f_lasti:
                self.calls[code] += 1

    def run(self, call: Callable[[], object]) -> dict[str, int]:
        """Trace one call until it returns or exits."""
        threading.setprofile(self.event)
        sys.setprofile(self.event)
        try:
            call()
        except SystemExit as end:
            if end.code:
                raise
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
        calls = self.calls.copy()
        return {
            "files": len({code.co_filename for code in calls}),
            "functions": len({(code.co_filename, code.co_qualname) for code in calls}),
            "calls": calls.total(),
        }


def traced(command: Sequence[str]) -> dict[str, int]:
    """Run a command line in this process, in the current folder, and count what it calls."""
    from taxonaut.cli.main import main

    tracer = Tracer(list(Modules.walk(ROOT)))
    sys.argv = [PACKAGE, *command]
    with redirect_stdout(StringIO()):
        return tracer.run(main)


def run(*arguments: str, folder: Path = ROOT) -> str:
    """Run Python in a folder and return what it prints; exit with its errors if it fails."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout


def traces() -> dict[str, dict[str, int]]:
    """Trace each command in a process and a workspace of its own."""
    with tempfile.TemporaryDirectory() as name:
        made = {kind: Path(name) / kind for kind in ("empty", "labelled")}
        for folder in made.values():
            run("-m", PACKAGE, "init", str(folder), "--quiet")
            for file, text in (("labels.csv", LABELS), ("new.csv", NEW_LABELS), ("items.csv", ITEMS)):
                (folder / file).write_text(text, encoding="utf-8")
        run("-m", PACKAGE, "labels", "import", "labels.csv", "--quiet", folder=made["labelled"])
        counts = {}
        for title, command in COMMANDS.items():
            kind = "empty" if command[0] == "vocabulary" else "labelled"
            folder = shutil.copytree(made[kind], Path(name) / command[0])
            counts[title] = json.loads(run(__file__, "--traced", *command, folder=folder))
        return counts


def show(measured: Mapping[str, Any]) -> None:
    """Print figures, the long ones a line each entry."""
    for title, value in measured.items():
        if isinstance(value, dict):
            print(f"\n{title}: {len(value)}")
            for name, entry in value.items():
                print(f"  {name:34}" + (" ".join(map(str, entry)) if isinstance(entry, list) else str(entry)))
        elif isinstance(value, list):
            sizes = ", ".join(str(len(names)) for names in value)
            print(f"{title:34}{len(value)}" + (f", of {sizes} files" if value else ""))
            for names in value:
                print("  " + " ".join(name.removeprefix(f"{PACKAGE}.") for name in names))
        else:
            print(f"{title:34}{' in '.join(map(str, value)) if isinstance(value, tuple) else value}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--structure", action="store_true", help="measure files and imports only")
    part.add_argument("--trace", action="store_true", help="trace the four commands only")
    part.add_argument("--traced", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    if options.traced:
        print(json.dumps(traced(options.traced)))
        return
    measured: dict[str, Any] = {} if options.trace else structure()
    show(measured)
    if not options.structure:
        measured["traced"] = traces()
        print(f"\n{'one command':28}{'files':>8}{'functions':>11}{'calls':>10}")
        for title, count in measured["traced"].items():
            print(f"{title:28}{count['files']:8}{count['functions']:11}{count['calls']:10,}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
