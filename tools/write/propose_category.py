"""The tool `propose_category`: add a category under a node (GenCenters of XMC-Agent, AgenticTagger 4.1)."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from taxonaut.state.errors import NotFoundError, ToolError
from taxonaut.state.ids import NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node, ToolSpec

LONGEST_NAME = 120
"""Maximum characters of a category's name."""

SHORT_NAME = 60
SHORT_TEXT = 100
"""Maximum characters of a name and a description if many are proposed in one call."""

FIELD = "categories"

CATCH_ALL = frozenset(
    {"other", "others", "misc", "miscellaneous", "various", "general", "unknown", "uncategorized"}
)
"""Refused names without content; labels that fit no centre are kept as *other* without a name."""

LEFTOVER = frozenset({"other", "others", "misc", "miscellaneous", "uncategorized"})
"""First or last words of refused leftover names, such as *other pens*, *pens (other)*."""

JOINING = frozenset({"a", "an", "and", "for", "in", "of", "or", "the", "with"})
"""Stop words that do not distinguish names, unless last."""

_WORDS = re.compile(r"[\w+#]+")

MOST_LISTED = 4
"""Maximum number of included, and of excluded, things of a descriptor."""


def propose_category(
    index: Index,
    parent: NodeId,
    name: str,
    description: str = "",
    includes: Sequence[str] = (),
    excludes: Sequence[str] = (),
) -> Node:
    """Add a category under a node: a short name that tells it apart from its siblings, what it holds, what not."""
    try:
        above = index.node(parent)
    except NotFoundError as error:
        raise ToolError(f"{error}; propose a category under a node that is there") from None
    clean = category_name(name, above.name, [child.name for child in index.children(parent)])
    return index.node(index.create_node(parent, clean, description, tuple(includes), tuple(excludes)))


def category_name(name: str, parent: str, siblings: Sequence[str]) -> str:
    """Return a proposed name with whitespace collapsed; ToolError if it does not distinguish the category."""
    clean = " ".join(name.split())
    if not clean or len(clean) > LONGEST_NAME:
        raise ToolError(f"a category's name has 1 to {LONGEST_NAME} characters; {len(clean)} were given")
    wanted = fold_name(clean)
    words = wanted.split(" ")
    if wanted in map(fold_name, CATCH_ALL) or words[0] in LEFTOVER or words[-1] in LEFTOVER:
        raise ToolError(f"{clean!r} tells nothing apart; name what the category holds")
    distinguishing = distinguishing_words(wanted)
    if distinguishing == distinguishing_words(fold_name(parent)):
        raise ToolError(f"{clean!r} is the name of its parent; name what sets this part of it apart")
    twin = next((sibling for sibling in siblings if fold_name(sibling) == wanted), None)
    if twin is not None:
        raise ToolError(f"{twin!r} stands under this node already; use it, or name what is different")
    twin = next(
        (sibling for sibling in siblings if distinguishing_words(fold_name(sibling)) == distinguishing), None
    )
    if twin is not None:
        raise ToolError(
            f"{clean!r} says the same as its sibling {twin!r}; use that, or name what is different"
        )
    return clean


def distinguishing_words(name: str) -> frozenset[str]:
    """Return the set of words of a folded name without stop words, except the last (*vitamin a*)."""
    *first, last = name.split(" ")
    return frozenset({*(word for word in first if word not in JOINING), last})


def propose_category_spec(index: Index) -> ToolSpec:
    """Return the tool with a schema for this index."""
    texts = {"type": "array", "items": {"type": "string"}}
    properties: dict[str, Any] = {
        "parent": {"type": "integer", "description": f"The node to add it to; {index.root()} is the root."},
        "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
        "description": {"type": "string", "description": "One sentence: what belongs here."},
        "includes": {**texts, "description": "Things that belong here."},
        "excludes": {**texts, "description": "Things one might look for here that belong elsewhere."},
    }
    parameters = {
        "type": "object",
        "properties": properties,
        "required": ["parent", "name"],
        "additionalProperties": False,
    }
    return ToolSpec("propose_category", propose_category.__doc__ or "", parameters)


def propose_categories_spec(most: int) -> ToolSpec:
    """Return the tool for a set of centres in one call: 2 to `most` categories under one node."""
    category = category_schema()
    description = "Propose categories that part a set of labels: names that tell them apart, what each holds."
    return ToolSpec("propose_category", description, categories_schema(category, most))


def propose_descriptors_spec(most: int) -> ToolSpec:
    """Return the tool for the descriptors of one group of items (AgenticTagger 4.1): 2 to `most` in one call."""
    description = (
        "Propose descriptors that part a set of items: names that tell them apart, a definition of each, "
        "what it includes and what it does not."
    )
    return ToolSpec("propose_category", description, categories_schema(descriptor_schema(), most))


def categories_schema(category: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Return the schema of a call with 2 to `most` categories."""
    return {
        "type": "object",
        "properties": {FIELD: {"type": "array", "items": category, "minItems": 2, "maxItems": most}},
        "required": [FIELD],
        "additionalProperties": False,
    }


def category_schema() -> dict[str, Any]:
    """Return the schema of one category: a name and what it holds."""
    properties: dict[str, Any] = {
        "name": {
            "type": "string",
            "minLength": 2,
            "maxLength": SHORT_NAME,
            "description": "Two to five words.",
        },
        "description": {"type": "string", "maxLength": SHORT_TEXT, "description": "What belongs here."},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def descriptor_schema() -> dict[str, Any]:
    """Return the schema of one descriptor: a category with what it includes and what it does not."""
    schema = category_schema()
    listed = {"type": "array", "items": {"type": "string", "maxLength": SHORT_NAME}, "maxItems": MOST_LISTED}
    lists = {
        "includes": {**listed, "description": "Things that belong here."},
        "excludes": {**listed, "description": "Things one might look for here that belong elsewhere."},
    }
    return {
        **schema,
        "properties": {**schema["properties"], **lists},
        "required": [*schema["required"], *lists],
    }


def fold_name(name: str) -> str:
    """Normalize a name for comparison: no case, accents, punctuation or plural s; C, C# and C++ stay distinct."""
    plain = name.casefold()
    if not plain.isascii():
        plain = "".join(
            c for c in unicodedata.normalize("NFKD", name).casefold() if not unicodedata.combining(c)
        )
    words = _WORDS.findall(plain)
    return " ".join(map(singular, words)) or plain


def singular(word: str) -> str:
    """Remove a plural s; glass, bus and tennis keep theirs."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "sui" else word
