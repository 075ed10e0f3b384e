"""Load, render and list templates; a workspace's copy replaces the packaged template."""

import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from jinja2 import Template
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.exceptions import TemplateNotFound, TemplateSyntaxError
from jinja2.meta import find_referenced_templates
from jinja2.nodes import Const, Extends, Node
from jinja2.nodes import Template as TemplateNode

from taxonaut.prompts.files import PACKAGED, PACKAGED_PREFIX, SUFFIX, StoredFiles, TemplateFiles
from taxonaut.prompts.sandbox import Sandbox, join_output
from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.errors import InputError, NotFoundError, TemplateError

PARSER = Sandbox({})
"""Parses templates without rendering them."""

BLOCKS = ("system", "context", "item")

RAISED_BY_TEMPLATES = (
    JinjaError,
    ArithmeticError,
    LookupError,
    AssertionError,
    AttributeError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Exceptions that a template's expressions may raise."""


TOO_DEEP = (RecursionError, MemoryError, SyntaxError)
"""What Jinja's parser and Python's compiler raise where brackets or blocks are nested too deeply."""


MOST_LEVELS = 100
"""Maximum nesting of a template's blocks and expressions."""


def check_nesting(tree: TemplateNode) -> None:
    """Raise RecursionError for a template that is nested too deeply to be compiled."""
    level: list[Node] = [tree]
    for _ in range(MOST_LEVELS):
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return
    raise RecursionError(f"more than {MOST_LEVELS} levels")


class Recorder(Protocol):
    """Records the variables that templates are rendered with."""

    def wants(self, template: str) -> bool:
        """Return whether another sample of a template is wanted."""

    def note(self, template: str, variables: Mapping[str, Any]) -> None:
        """Record the variables of a decision, with the item's text under `text`."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A loaded template, rendered block by block.

    `lineage` is the template, then the one it extends, and so on. Later changes of the files have no effect.
    """

    name: str
    hash: str
    lineage: tuple[Template, ...]
    recorder: Recorder | None = None

    def render(self, block: str, variables: Mapping[str, Any]) -> str:
        """Render a block. Raises TemplateError with the block, the reason and the line."""
        context = self.lineage[0].new_context(dict(variables))
        for above in self.lineage[1:]:
            for name, function in above.blocks.items():
                context.blocks.setdefault(name, []).append(function)
        if block not in context.blocks:
            raise InputError(
                f"the template {self.name!r} has no block {block!r}; it needs {', '.join(BLOCKS)}"
            )
        try:
            pieces = cast("Generator[str, None, None]", context.blocks[block][0](context))
            return join_output(pieces).strip()
        except RAISED_BY_TEMPLATES as error:
            file, line = error_location(error)
            where = f" ({file}, line {line})" if line else ""
            reason = (str(error).rstrip(".") or type(error).__name__) + where
            raise TemplateError(
                f"the block {block!r} of the template {self.name!r} cannot be rendered: {reason}; edit the template, "
                "or delete it to return to the packaged one",
                template=self.name,
                block=block,
                reason=reason,
                file=file,
                line=line,
            ) from None


def error_location(error: Exception) -> tuple[str, int]:
    """Return the innermost template file and line in an error's traceback; ("", 0) without one."""
    found, traceback = ("", 0), error.__traceback__
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            found = (template.name or "", template.get_corresponding_lineno(traceback.tb_lineno))
        traceback = traceback.tb_next
    return found


class PromptLibrary:
    """The packaged templates, overridden by those of a workspace's `prompts/` folder.

    A workspace's template replaces the packaged one, or extends it and overrides single blocks:
    `{% extends "packaged/navigator/expand.j2" %}`. Templates run in a sandbox (`prompts.sandbox`). Each `get` reads
    the files again, so that edits take effect at once.
    """

    def __init__(self, folder: Path | None = None, recorder: Recorder | None = None) -> None:
        self.folder = folder
        self.recorder = recorder
        self._files = TemplateFiles(folder)
        self._kept: dict[str, StoredFiles] = {}

    def with_version(self, name: str, files: Mapping[str, str], *, complete: bool = True) -> "PromptLibrary":
        """Return a library with another version of one template, from memory.

        `files` holds the sources of the version and of all it extends or includes, as `PromptLibrary.files` returns
        them; unless they are `complete`, missing ones are read from this library.
        """
        other = PromptLibrary(self.folder, self.recorder)
        others = None if complete else self._files_of(name)
        other._kept = {**self._kept, name: StoredFiles(dict(files), others)}
        return other

    def _files_of(self, name: str) -> TemplateFiles | StoredFiles:
        return self._kept.get(name, self._files)

    def get(self, name: str) -> Prompt:
        """Load a template by name, such as `navigator/expand`. Raises TemplateError for an invalid one."""
        self.check_name(name)
        lineage, files = self.lineage(name), self.files(name)
        environment = Sandbox(files)
        try:
            templates = tuple(environment.get_template(file) for file in lineage)
        except TemplateSyntaxError as error:
            raise self.invalid(name, error, error.name or "", error.lineno) from None
        except JinjaError as error:
            raise self.invalid(name, error) from None
        except TOO_DEEP:
            raise self.invalid(name, "it is nested too deeply", lineage[0]) from None
        blocks = {block for template in templates for block in template.blocks}
        missing = [block for block in BLOCKS if block not in blocks]
        if missing:
            raise self.invalid(name, f"it has no block {', '.join(map(repr, missing))}", lineage[0])
        return Prompt(name, hash_files(files), templates, self.recorder)

    def check_name(self, name: str) -> None:
        """Raise NotFoundError for an unknown template."""
        if name not in VARIABLES:
            raise NotFoundError(f"there is no template {name!r}; there are: {', '.join(self.names())}")

    def invalid(self, name: str, problem: object, file: str = "", line: int = 0) -> TemplateError:
        """Return the error for an invalid template."""
        reason = str(problem).rstrip(".")
        if name in self._kept:
            message = (
                f"the stored version of the template {name!r} is not valid: {reason}; use another version"
            )
        else:
            message = (
                f"the {self.where(name)} template {name!r} ({self.path(name)}) is not valid: {reason}; edit it, or "
                "delete it to return to the packaged one"
            )
        return TemplateError(message, template=name, reason=reason, file=file, line=line)

    def lineage(self, name: str) -> list[str]:
        """Return the file name of a template, then of the one it extends, and so on."""
        files = [name + SUFFIX]
        while True:
            extended = list(self.parsed(name, files[-1])[1].find_all(Extends))
            if not extended:
                return files
            target = extended[0].template
            if len(extended) > 1 or not isinstance(target, Const):
                raise self.invalid(
                    name, "it must extend one template, named in quotes", files[-1], extended[-1].lineno
                )
            if target.value in files:
                raise self.invalid(
                    name,
                    f"it extends itself; extend the packaged one: "
                    f'{{% extends "{PACKAGED_PREFIX}{name}{SUFFIX}" %}}',
                    files[-1],
                    extended[0].lineno,
                )
            files.append(str(target.value))

    def files(self, name: str) -> dict[str, str]:
        """Return the sources of a template and of all it extends or includes, by file name."""
        found: dict[str, str] = {}
        waiting = [name + SUFFIX]
        while waiting:
            file = waiting.pop(0)
            if file in found:
                continue
            found[file], tree = self.parsed(name, file)
            for other in find_referenced_templates(tree):
                if other is None:
                    raise self.invalid(name, f"{file} names a template without quotes", file)
                waiting.append(other)
        return found

    def parsed(self, name: str, file: str) -> tuple[str, TemplateNode]:
        """Return a file's source and syntax tree; `name` is the template it belongs to."""
        try:
            source = self._files_of(name).read(file)
            tree = PARSER.parse(source)
            check_nesting(tree)
            return source, tree
        except TemplateNotFound as error:
            raise self.invalid(name, f"there is no template {error} to extend or include") from None
        except TemplateError as error:
            raise self.invalid(name, error, file) from None
        except TemplateSyntaxError as error:
            problem = f"{file}, line {error.lineno}: {error.message}"
            raise self.invalid(name, problem, file, error.lineno) from None
        except TOO_DEEP:
            raise self.invalid(name, f"{file} is nested too deeply", file) from None

    def names(self) -> list[str]:
        """All templates, sorted."""
        return sorted(VARIABLES)

    def path(self, name: str) -> Path:
        """Return the path of the effective template: the workspace's copy if there is one, else the packaged file."""
        own = self.own_path(name)
        return own if own is not None and own.is_file() else PACKAGED / (name + SUFFIX)

    def own_path(self, name: str) -> Path | None:
        """Return the path of the workspace's copy, which need not exist; None without a workspace."""
        return self.folder / (name + SUFFIX) if self.folder is not None else None

    def where(self, name: str) -> str:
        """Return which copy is effective: `workspace` or `packaged`."""
        return "packaged" if self.path(name).is_relative_to(PACKAGED) else "workspace"

    def text(self, name: str) -> str:
        """Return the source of the effective template."""
        self.check_name(name)
        try:
            return self._files_of(name).read(name + SUFFIX)
        except TemplateError as error:
            raise self.invalid(name, error, name + SUFFIX) from None

    def hash(self, name: str) -> str:
        """Hash a template and everything it extends or includes."""
        return hash_files(self.files(name))


def hash_files(files: Mapping[str, str]) -> str:
    """Hash a template's files, as `PromptLibrary.files` returns them; 12 hex digits of SHA-256."""
    digest = hashlib.sha256()
    for text in files.values():
        digest.update(text.encode())
    return digest.hexdigest()[:12]
