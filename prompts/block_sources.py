"""The source of each block of a template as it counts: its own, or that of what it extends."""

import re

from jinja2 import nodes

from taxonaut.prompts.library import PromptLibrary

_TAG = re.compile(r"\{%[-+]?\s*(block|endblock)\b[^%]*%\}\n?")


def block_sources(library: PromptLibrary, name: str) -> dict[str, str]:
    """Return the text between each block's tags, in the order in which the template stands."""
    found: dict[str, str] = {}
    for file in reversed(library.lineage(name)):
        source, tree = library.parsed(name, file)
        for block in tree.find_all(nodes.Block):
            found[block.name] = inside(source, block.name)
    return found


def inside(source: str, name: str) -> str:
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
