"""Write a template that extends others as one that stands alone: each block as it comes out in the end."""

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment

from taxonaut.prompts.library import BLOCKS, PromptLibrary
from taxonaut.state.errors import InputError

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
