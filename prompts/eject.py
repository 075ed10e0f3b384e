"""Templates as text: eject packaged ones into a workspace, split them into blocks, inline what they extend."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2.nodes import Extends

from taxonaut.prompts.files import PACKAGED_PREFIX, SUFFIX, check_inside
from taxonaut.prompts.library import BLOCKS, PARSER, PromptLibrary
from taxonaut.state.errors import InputError

HEAD = """\
{{# Overrides blocks of {name}; all others are the packaged ones. #}}
{{% extends "{prefix}{name}{suffix}" %}}
"""


@dataclass(frozen=True, slots=True)
class Tag:
    """A Jinja tag other than `block` and `endblock`; `kind` is the lexer's, `names` are its identifiers."""

    source: str
    kind: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a template: its tags and the parts between them."""

    name: str
    begin: str
    parts: "tuple[str | Tag | Block, ...]"
    end: str

    @property
    def text(self) -> str:
        """The source between the tags."""
        return "".join(part if isinstance(part, str) else part.source for part in self.parts)

    @property
    def source(self) -> str:
        """The source with the tags."""
        return self.begin + self.text + self.end


Part = str | Tag | Block


def split_blocks(source: str) -> tuple[Part, ...]:
    """Parse the source of a valid template into texts, tags and blocks."""
    stack: list[tuple[str, str, list[Part]]] = [("", "", [])]
    for part in read_tags(source):
        word = part.names[0] if isinstance(part, Tag) and part.names else ""
        if isinstance(part, Tag) and part.kind == "block_begin" and word == "block":
            stack.append((part.names[1], part.source, []))
        elif isinstance(part, Tag) and part.kind == "block_begin" and word == "endblock":
            name, begin, parts = stack.pop()
            stack[-1][2].append(Block(name, begin, tuple(parts), part.source))
        else:
            stack[-1][2].append(part)
    return tuple(stack[0][2])


def read_tags(source: str) -> Iterator[str | Tag]:
    """Yield the tags of a template and the texts between them."""
    ends = {"block_begin": "block_end", "variable_begin": "variable_end"}
    tokens = ((str(kind), str(text)) for _, kind, text in PARSER.lex(source))
    for kind, text in tokens:
        if kind not in ends:
            yield text
            continue
        parts, names = [text], []
        for inner, part in tokens:
            parts.append(part)
            if inner == "name":
                names.append(part)
            if inner == ends[kind]:
                break
        yield Tag("".join(parts), kind, tuple(names))


def iter_blocks(parts: Sequence[Part]) -> Iterator[Block]:
    """Yield all blocks, nested ones included."""
    for part in parts:
        if isinstance(part, Block):
            yield part
            yield from iter_blocks(part.parts)


def effective_blocks(library: PromptLibrary, name: str) -> dict[str, Block]:
    """Return the effective blocks of a template by name, inherited ones included."""
    found: dict[str, Block] = {}
    for file in reversed(library.lineage(name)):
        source, _ = library.parsed(name, file)
        found |= {block.name: block for block in iter_blocks(split_blocks(source))}
    return found


def eject(library: PromptLibrary, name: str, blocks: Sequence[str] = ()) -> Path:
    """Copy a packaged template into the workspace's folder and return the copy's path.

    With `blocks`, the copy extends the packaged template and overrides only these; they are added to a copy that
    already extends it. Raises InputError if there is a complete copy, or one with such a block.
    """
    library.check_name(name)
    target = library.own_path(name)
    if target is None or library.folder is None:
        raise InputError("templates are ejected into a workspace; give one with --workspace DIR")
    packaged = effective_blocks(PromptLibrary(), name)
    wanted = sorted(dict.fromkeys(blocks), key=block_order)
    for block in wanted:
        if block not in packaged:
            known = ", ".join(sorted(packaged, key=block_order))
            raise InputError(f"the template {name!r} has no block {block!r}; it has {known}")
    sources = "".join(packaged[block].source.rstrip("\n") + "\n" for block in wanted)
    if target.exists() or target.is_symlink():
        text = extendable_source(library, name, target, wanted) + sources
    elif wanted:
        text = HEAD.format(name=name, prefix=PACKAGED_PREFIX, suffix=SUFFIX) + sources
    else:
        text = PromptLibrary().text(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    check_inside(target, library.folder, name + SUFFIX)
    target.write_text(text, encoding="utf-8")
    return target


def extendable_source(library: PromptLibrary, name: str, target: Path, wanted: Sequence[str]) -> str:
    """Return the source of a copy that blocks can be added to. Raises InputError if they cannot."""
    if not wanted:
        raise InputError(f"{str(target)!r} exists; edit it, or delete it to return to the packaged template")
    source, tree = library.parsed(name, name + SUFFIX)
    if tree.find(Extends) is None:
        raise InputError(f"{str(target)!r} is a complete copy of the template; edit its blocks")
    present = {block.name for block in iter_blocks(split_blocks(source))}
    for block in wanted:
        if block in present:
            raise InputError(
                f"{str(target)!r} already has the block {block!r}; edit it, or delete it there to return to the "
                "packaged one"
            )
    return source if source.endswith("\n") or not source else source + "\n"


def block_order(block: str) -> int:
    """Return the sort key of a block: the most shared first."""
    return BLOCKS.index(block) if block in BLOCKS else len(BLOCKS)


def inline_template(library: PromptLibrary, name: str) -> str:
    """Return a template as one source without `extends` that renders the same.

    Raises InputError if a block includes or imports a file, or uses `super()` other than as `{{ super() }}`.
    """
    definitions: dict[str, list[Block]] = {}
    for file in library.lineage(name):
        source, _ = library.parsed(name, file)
        for block in iter_blocks(split_blocks(source)):
            definitions.setdefault(block.name, []).append(block)
    return "".join(
        f"{{% block {block} %}}\n{inline_block(definitions, block)}{{% endblock %}}\n"
        for block in BLOCKS
        if block in definitions
    )


def inline_block(definitions: dict[str, list[Block]], name: str, level: int = 0) -> str:
    """Inline a block from its `level`-th definition; 0 is the overriding one."""
    if level >= len(definitions[name]):
        raise InputError(f"the block {name!r} calls super(), but no extended template has such a block")
    texts = []
    for part in definitions[name][level].parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Block):
            texts.append(inline_block(definitions, part.name))
        elif part.kind == "block_begin" and part.names[:1] in (("include",), ("import",), ("from",)):
            raise InputError(f"it reads another file: {part.source.strip()}")
        elif "super" not in part.names:
            texts.append(part.source)
        elif part.kind == "variable_begin" and part.names == ("super",) and part.source.count("(") == 1:
            texts.append(inline_block(definitions, name, level + 1))
        else:
            raise InputError(f"it uses super() in a way that cannot be written out: {part.source.strip()}")
    return "".join(texts)
