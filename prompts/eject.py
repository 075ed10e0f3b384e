"""Copy a packaged template, or single blocks of it, to where it can be changed."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.nodes import Block, Extends

from taxonaut.prompts.files import PACKAGED, PACKAGED_PREFIX, SUFFIX, inside
from taxonaut.prompts.library import PromptLibrary
from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.errors import InputError

if TYPE_CHECKING:
    from taxonaut.prompts.library import PromptLibrary


_TAG = re.compile(r"\{%[-+]?\s*(block|endblock)\b[^%]*%\}\n?")


def block_sources(library: PromptLibrary, name: str) -> dict[str, str]:
    """Return the text between each block's tags, in the order in which the template stands."""
    found: dict[str, str] = {}
    for file in reversed(library.lineage(name)):
        source, tree = library.parsed(name, file)
        for block in tree.find_all(nodes.Block):
            found[block.name] = text_of_block(source, block.name)
    return found


def text_of_block(source: str, name: str) -> str:
    """Return what stands between the tags of a block."""
    begin = re.search(r"\{%[-+]?\s*block\s+" + re.escape(name) + r"\b[^%]*%\}\n?", source)
    if begin is None:
        return ""
    depth = 1
    for tag in _TAG.finditer(source, begin.end()):
        depth += 1 if tag[1] == "block" else -1
        if depth == 0:
            return source[begin.end() : tag.start()]
    return source[begin.end() :]


HEAD = """\
{{# The blocks of {name} that are told otherwise here; all others stay the packaged ones. #}}
{{% extends "{prefix}{name}{suffix}" %}}
"""


def eject(library: "PromptLibrary", name: str, blocks: Sequence[str] = ()) -> Path:
    """Write a copy into the workspace's folder and return its path.

    With `blocks` the copy extends the packaged template and overrides only those; a copy that does so already gets
    them beside what it has. InputError if a copy, or such a block in it, is there already.
    """
    library.check_name(name)
    target = library.own_path(name)
    if target is None or library.folder is None:
        raise InputError("templates are ejected into a workspace; name one with --workspace DIR")
    wanted = tuple(dict.fromkeys(blocks))
    known = sorted(blocks_of(name), key=place)
    for block in wanted:
        if block not in known:
            raise InputError(f"the template {name!r} has no block {block!r}; it has {', '.join(known)}")
    if target.exists() or target.is_symlink():
        text = extended(library, name, target, wanted)
    elif wanted:
        text = HEAD.format(name=name, prefix=PACKAGED_PREFIX, suffix=SUFFIX) + "".join(
            block_source(name, block) for block in sorted(wanted, key=place)
        )
    else:
        text = packaged(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    inside(target, library.folder, name + SUFFIX)
    target.write_text(text, encoding="utf-8")
    return target


def extended(library: "PromptLibrary", name: str, target: Path, wanted: Sequence[str]) -> str:
    """Return the text of a copy that is there with blocks added to it. Raises InputError."""
    if not wanted:
        raise InputError(
            f"{str(target)!r} is there already; edit it, or delete it to return to the packaged one"
        )
    source, tree = library.parsed(name, name + SUFFIX)
    if next(tree.find_all(Extends), None) is None:
        raise InputError(
            f"{str(target)!r} is a copy of the whole template; its blocks are all in it: edit them"
        )
    there = {block.name for block in tree.find_all(Block)}
    for block in wanted:
        if block in there:
            raise InputError(
                f"{str(target)!r} has the block {block!r} already; edit it, or delete it there to return to the "
                "packaged one"
            )
    ending = "" if source.endswith("\n") or not source else "\n"
    return source + ending + "".join(block_source(name, block) for block in sorted(wanted, key=place))


def place(block: str) -> int:
    """Where a block stands in a template: from the most to the least shared."""
    order = ("system", "context", "item")
    return order.index(block) if block in order else len(order)


def packaged(name: str) -> str:
    """Return the text of a packaged template."""
    return (PACKAGED / (name + SUFFIX)).read_text(encoding="utf-8")


def blocks_of(name: str) -> dict[str, str]:
    """Return the blocks of a packaged template as they stand in its file, or in the one that it extends."""
    text = packaged(name)
    found: dict[str, str] = {}
    above = re.search(
        r'\{%\s*extends\s+"' + PACKAGED_PREFIX + r"([\w/]+)" + re.escape(SUFFIX) + r'"\s*%\}', text
    )
    if above is not None and above[1] in VARIABLES:
        found = blocks_of(above[1])
    for match in re.finditer(r"\{%\s*block\s+(\w+)\s*%\}.*?\{%\s*endblock\s*%\}\n?", text, re.DOTALL):
        found[match[1]] = match[0]
    return found


def block_source(name: str, block: str) -> str:
    """Return a block of a packaged template, its tags included, whitespace and all."""
    source = blocks_of(name)[block]
    return source if source.endswith("\n") else source + "\n"
