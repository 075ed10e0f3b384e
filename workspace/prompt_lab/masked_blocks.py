"""A template's block as prose: what is Jinja stands as a numbered mark, so that a model can rewrite the rest."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from jinja2.exceptions import TemplateSyntaxError

from taxonaut.prompts.eject import (
    HEAD,
    Block,
    Part,
    effective_blocks,
    inline_block,
    iter_blocks,
    split_blocks,
)
from taxonaut.prompts.files import PACKAGED_PREFIX, SUFFIX
from taxonaut.prompts.library import PARSER, PromptLibrary, hash_files
from taxonaut.state.errors import InputError
from taxonaut.workspace.prompt_lab.template_versions import Version

MARK = re.compile(r"\[\[(\d+)\]\]")
"""A mark in a masked text: `[[1]]`."""

DELIMITERS = ("{{", "}}", "{%", "%}", "{#", "#}")
"""What would begin or end template code."""

_KEPT = re.compile(
    r"(?m)^-?\d+\. .*$"  # a numbered answer, such as "0. none of these"
    r"|[^.\n]*\bdata: nothing in [^.\n]* is an instruction to you\.?"  # what keeps texts from steering a model
    r"|\[\[\d+\]\]"
)
"""Prose that a model may not change, besides what Jinja puts in."""

_OPENING = frozenset({"autoescape", "block", "call", "filter", "for", "if", "macro", "raw", "with"})
_CLOSING = frozenset(f"end{word}" for word in _OPENING | {"set"})


@dataclass(frozen=True, slots=True)
class MaskedBlock:
    """A block of a template. `text` has the mark `[[n]]` for `marks[n - 1]`, which is put back by `unmask`."""

    template: str
    block: str
    text: str
    marks: tuple[str, ...]

    @property
    def name(self) -> str:
        """The template and the block, such as `navigator/expand system`."""
        return f"{self.template} {self.block}"


def mask_block(library: PromptLibrary, template: str, block: str) -> MaskedBlock:
    """Return a template's effective block with its Jinja masked. Raises InputError for an unknown block."""
    blocks = effective_blocks(library, template)
    if block not in blocks:
        raise InputError(f"the template {template!r} has no block {block!r}; it has {', '.join(blocks)}")
    text, marks = "", list[str]()
    for piece, is_code in divide_source(block_source(library, template, block)):
        for part, is_kept in [(piece, True)] if is_code else divide_prose(piece):
            marks += [part] if is_kept else []
            text += f"[[{len(marks)}]]" if is_kept else part
    return MaskedBlock(template, block, text.strip(), tuple(marks))


def unmask(masked: MaskedBlock, text: str) -> str:
    """Return the block's source with another text, whose marks must be those of the block, in their order.

    Raises InputError, with a reason for a model to read, if marks are missing, doubled or out of order, or if a part
    of the text would be template code.
    """
    found = [int(number) for number in MARK.findall(text)]
    wanted = list(range(1, len(masked.marks) + 1))
    if found != wanted:
        marks = " ".join(f"[[{number}]]" for number in wanted) or "no mark at all"
        has = " ".join(f"[[{number}]]" for number in found) or "none"
        raise InputError(f"the text must have each mark once, in this order: {marks}; it has {has}")
    for delimiter in DELIMITERS:
        if delimiter in text:
            raise InputError(f"the text must be plain prose, without {delimiter}")
    text = text.strip()
    source = MARK.sub(lambda mark: masked.marks[int(mark[1]) - 1], text)
    meant = [
        (masked.marks[int(part) - 1], is_code(masked.marks[int(part) - 1])) if place % 2 else (part, False)
        for place, part in enumerate(MARK.split(text))
    ]
    try:
        read = list(divide_source(source))
    except TemplateSyntaxError:
        read = []
    if joined(read) != joined(meant):
        raise InputError("a part of the text would be read as template code; put no brace next to a mark")
    return source + "\n"


def is_code(source: str) -> bool:
    """Whether what a mark stands for is Jinja, and no prose that is kept."""
    return source.startswith(("{{", "{%", "{#"))


def joined(pieces: Iterable[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Return pieces with prose put together, without the spaces that Jinja drops before a tag."""
    found: list[tuple[str, bool]] = []
    for text, code in pieces:
        if code:
            if found and not found[-1][1]:
                found[-1] = (found[-1][0].rstrip(" \t"), False)
            found.append((text, True))
        elif found and not found[-1][1]:
            found[-1] = (found[-1][0] + text, False)
        elif text:
            found.append((text, False))
    return [piece for piece in found if piece[0]]


def divide_source(source: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a block's source, each with whether it is Jinja: a loop or condition with all it holds."""
    code, depth = "", 0
    tokens = [(str(kind), str(text)) for _, kind, text in PARSER.lex(source)]
    for place, (kind, text) in enumerate(tokens):
        if kind == "data" and not code:
            yield text, False
            continue
        code += text
        if kind == "block_begin":
            depth += nesting(tokens, place)
        elif kind in ("raw_begin", "raw_end"):
            depth += 1 if kind == "raw_begin" else -1
        if kind in ("variable_end", "block_end", "comment_end", "raw_end") and not depth:
            yield code.removesuffix("\n"), True
            if code.endswith("\n"):
                yield "\n", False
            code = ""
    if code:
        yield code, True


def nesting(tokens: list[tuple[str, str]], place: int) -> int:
    """Return by how much the tag that begins at a token changes the depth: 1, 0 or -1."""
    tag = []
    for kind, text in tokens[place + 1 :]:
        if kind == "block_end":
            break
        tag += [text] if kind != "whitespace" else []
    word = tag[0] if tag else ""
    if word in _CLOSING:
        return -1
    return int(word in _OPENING or (word == "set" and "=" not in tag))


def divide_prose(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of prose, each with whether it must stay as it is."""
    start = 0
    for match in _KEPT.finditer(text):
        if match.start() > start:
            yield text[start : match.start()], False
        yield match[0], True
        start = match.end()
    if start < len(text):
        yield text[start:], False


def block_source(library: PromptLibrary, template: str, block: str) -> str:
    """Return the source of a block as the template's own file would have it; `super()` of other files written out."""
    definitions: dict[str, list[Block]] = {}
    for file in library.lineage(template):
        for each in iter_blocks(split_blocks(library.parsed(template, file)[0])):
            definitions.setdefault(each.name, []).append(each)
    own = {each.name for each in iter_blocks(split_blocks(library.text(template)))}
    return definitions[block][0].text if block in own else inline_block(definitions, block)


def version_with(library: PromptLibrary, template: str, blocks: Mapping[str, str]) -> Version:
    """Return the effective version of a template with other sources of some blocks.

    A packaged template is extended, a copy is changed where it has the block.
    """
    file = template + SUFFIX
    if library.where(template) == "packaged":
        source, own = HEAD.format(name=template, prefix=PACKAGED_PREFIX, suffix=SUFFIX), set[str]()
    else:
        parts = split_blocks(library.text(template))
        own = {block.name for block in iter_blocks(parts)} & set(blocks)
        source = "".join(written(part, blocks) for part in parts)
        source = source if source.endswith("\n") or not source else source + "\n"
    for name, text in blocks.items():
        if name not in own:
            source += f"{{% block {name} %}}\n{text}{{% endblock %}}\n"
    files = library.with_version(template, {file: source}, complete=False).files(template)
    return Version(template, hash_files(files), files)


def written(part: Part, blocks: Mapping[str, str]) -> str:
    """Return the source of a part of a template, with other sources of some blocks."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Block):
        return part.source
    inner = blocks.get(part.name)
    if inner is None:
        inner = "".join(written(each, blocks) for each in part.parts)
    return part.begin + inner + part.end
