"""Templates of which one is another version than the one that counts, from the texts that were kept of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from jinja2.exceptions import TemplateNotFound
from jinja2.nodes import Template as TemplateNode

from taxonaut.prompts.files import TemplateFiles
from taxonaut.prompts.library import BLOCKS, Prompt, PromptLibrary
from taxonaut.state.errors import InputError, TemplateError

Token = tuple[str, str]
"""A token's kind and its text, as Jinja's lexer gives them."""

_ENDS = {"block_begin": "block_end", "variable_begin": "variable_end"}
_ELSEWHERE = frozenset({"include", "import", "from", "extends"})


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a template: `pieces` are texts and further blocks."""

    name: str
    pieces: "tuple[str | Block, ...]"


SUPER = "{{ super() }}"


def whole(prompts: PromptLibrary, name: str) -> str:
    """Return a template's text with all that it extends written out, block by block.

    Raises InputError where that cannot be done: it includes or imports a file, or uses `super()` other than as
    `{{ super() }}`.
    """
    defined: dict[str, list[Block]] = {}
    for file in prompts.lineage(name):
        for block in blocks(read(prompts.environment, prompts.parsed(name, file)[0])):
            defined.setdefault(block.name, []).append(block)
    parts = [
        f"{{% block {block} %}}\n{written(defined, block)}{{% endblock %}}\n"
        for block in BLOCKS
        if block in defined
    ]
    return "".join(parts)


def written(defined: dict[str, list[Block]], name: str, level: int = 0) -> str:
    """Write the inside of a block as its `level`-th definition has it, the one that counts being 0."""
    if level >= len(defined[name]):
        raise InputError(f"the block {name!r} calls super(), and nothing it extends has such a block")
    parts = []
    for piece in defined[name][level].pieces:
        if isinstance(piece, Block):
            parts.append(written(defined, piece.name))
        elif piece == SUPER:
            parts.append(written(defined, name, level + 1))
        else:
            parts.append(piece)
    return "".join(parts)


def blocks(pieces: "tuple[str | Block, ...]") -> Iterator[Block]:
    """Give all blocks, those within blocks too."""
    for piece in pieces:
        if isinstance(piece, Block):
            yield piece
            yield from blocks(piece.pieces)


def read(environment: Environment, source: str) -> "tuple[str | Block, ...]":
    """Cut a template's source into texts and blocks; tags other than those of blocks are texts."""
    stack: list[tuple[str, list[str | Block]]] = [("", [])]
    for kind, text, names in statements(environment, source):
        word = names[0] if names else ""
        if kind == "block_begin" and word == "block":
            stack.append((names[1], []))
        elif kind == "block_begin" and word == "endblock":
            name, pieces = stack.pop()
            stack[-1][1].append(Block(name, tuple(pieces)))
        elif kind == "block_begin" and word in _ELSEWHERE and len(stack) > 1:
            raise InputError(f"it reads another file: {text.strip()}")
        elif "super" in names:
            if kind != "variable_begin" or names != ["super"] or text.count("(") != 1:
                raise InputError(f"it uses super() in a way that cannot be written out: {text.strip()}")
            stack[-1][1].append(SUPER)
        else:
            stack[-1][1].append(text)
    return tuple(stack[0][1])


def statements(environment: Environment, source: str) -> Iterator[tuple[str, str, list[str]]]:
    """Give a template's tags and the texts between them: the kind, the text, and the names within a tag."""
    tokens = [(str(kind), str(text)) for _, kind, text in environment.lex(source)]
    waiting = iter(tokens)
    for kind, text in waiting:
        if kind not in _ENDS:
            yield kind, text, []
            continue
        parts, names = [text], []
        for inner, part in waiting:
            parts.append(part)
            if inner == "name":
                names.append(part)
            if inner == _ENDS[kind]:
                break
        yield kind, "".join(parts), names


class KeptFiles(TemplateFiles):
    """Reads templates from texts, and what is not among them from the files `beneath`, if there are any."""

    def __init__(self, files: Mapping[str, str], beneath: TemplateFiles | None = None) -> None:
        super().__init__()
        self.kept = dict(files)
        self.beneath = beneath

    def read(self, file: str) -> str:
        """Return a template's source."""
        if file in self.kept:
            return self.kept[file]
        if self.beneath is None:
            raise TemplateNotFound(file)
        return self.beneath.read(file)


class KeptVersion(PromptLibrary):
    """One version of one template, read from `files` and what lies `beneath`; nothing of it need be on disk."""

    def __init__(self, files: Mapping[str, str], beneath: PromptLibrary | None = None) -> None:
        super().__init__()
        self.sources = KeptFiles(files, None if beneath is None else beneath.sources)

    def invalid(self, name: str, problem: object, file: str = "", line: int = 0) -> TemplateError:
        """The error of a version that cannot be used."""
        reason = str(problem).rstrip(".")
        return TemplateError(
            f"the kept version of the template {name!r} is not valid: {reason}; name another version",
            template=name,
            reason=reason,
            file=file,
            line=line,
        )


class OtherVersion(PromptLibrary):
    """A library in which one template is another version; all others are those of `base`.

    `files` are the version's own source and all that it extends or includes, as `PromptLibrary.files` gives them.
    """

    def __init__(self, base: PromptLibrary, name: str, files: Mapping[str, str]) -> None:
        super().__init__(base.folder, base.recorder)
        self.base = base
        self.name = name
        self.version = KeptVersion(files)
        self.version.recorder = base.recorder

    def of(self, name: str) -> PromptLibrary:
        """Return the library that a template is read from."""
        return self.version if name == self.name else self.base

    def get(self, name: str) -> Prompt:
        """Load a template by its name."""
        return self.of(name).get(name)

    def files(self, name: str) -> dict[str, str]:
        """The sources behind a template."""
        return self.of(name).files(name)

    def lineage(self, name: str) -> list[str]:
        """The template's file, then the one it extends, and so on."""
        return self.of(name).lineage(name)

    def parsed(self, name: str, file: str) -> tuple[str, TemplateNode]:
        """Return a file's source and syntax tree."""
        return self.of(name).parsed(name, file)

    def text(self, name: str) -> str:
        """The source of a template's own file."""
        return self.of(name).text(name)

    def path(self, name: str) -> Path:
        """The file that a template is read from, or would be."""
        return self.base.path(name)
