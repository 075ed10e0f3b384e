"""Semantic ids: an item's descriptors as tokens in fixed slots, as generative recommenders take them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.files.index_file import write_atomically
from taxonaut.workspace.files.sources import STDIN, open_source
from taxonaut.workspace.vocabulary.reading import Descriptor, Vocabulary

MOST_TRIED = 12
"""Further descriptors of an item among which its own are chosen, the best ones."""


def told_apart(taggings: Sequence[Tagging], further: int) -> dict[ItemId, tuple[NodeId, ...]]:
    """Choose `further` of each item's further descriptors, best first, so that items of one path differ.

    An item takes the best combination (the least sum of ranks) that no item before it with the same path has;
    where all are taken, its best. So an item's choice does not depend on items that come after it. Those of its
    path are left out.
    """
    taken: set[tuple[tuple[NodeId, ...], tuple[NodeId, ...]]] = set()
    found = {}
    for tagging in taggings:
        others = [node for node in dict.fromkeys(tagging.others) if node not in tagging.path][:MOST_TRIED]
        choices = (tuple(others[place] for place in places) for places in ways(len(others), further))
        best = tuple(others[:further])
        chosen = next((choice for choice in choices if (tagging.path, choice) not in taken), best)
        taken.add((tagging.path, chosen))
        found[tagging.item_id] = chosen
    return found


@lru_cache
def ways(count: int, further: int) -> list[tuple[int, ...]]:
    """List the ways to take so many of `count` ranks (all, if there are fewer), the least sum first."""
    return sorted(combinations(range(count), min(further, count)), key=sum)


PAD = "<pad>"
"""Stands where a slot is empty, in whichever slot; no other token has this form."""

SlotKind = Literal["level", "further", "resolver"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of every id. `letter` names its set of tokens `<letter_0>`, `<letter_1>`, …, `size` of them.

    The slots of further descriptors share their letter, and with it one set of tokens. A resolver has as many
    tokens as its largest group of items needs.
    """

    name: str
    kind: SlotKind
    letter: str
    size: int

    def token(self, number: int) -> str:
        """Write a token of this slot."""
        return f"<{self.letter}_{number}>"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a token stands for: a descriptor with the names from level 1 down to its own."""

    node: NodeId
    name: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class SemanticIds:
    """The ids of all items, in the items' order, one token a slot; `meanings` has every token of a descriptor."""

    slots: tuple[Slot, ...]
    meanings: Mapping[str, Meaning]
    ids: Mapping[ItemId, tuple[str, ...]]

    @property
    def resolves(self) -> bool:
        """Whether the last slot is a resolver."""
        return bool(self.slots) and self.slots[-1].kind == "resolver"

    def path(self, item: ItemId) -> tuple[NodeId, ...]:
        """Return the descriptors of an item's level slots, coarse to fine."""
        return self._nodes(item, "level")

    def further(self, item: ItemId) -> tuple[NodeId, ...]:
        """Return the descriptors of an item's further slots, best first."""
        return self._nodes(item, "further")

    def _nodes(self, item: ItemId, kind: SlotKind) -> tuple[NodeId, ...]:
        return tuple(
            self.meanings[token].node
            for slot, token in zip(self.slots, self.ids[item], strict=True)
            if slot.kind == kind and token != PAD
        )

    @cached_property
    def used(self) -> tuple[int, ...]:
        """How many tokens of each slot some item has, the pad not counted."""
        return tuple(
            len({tokens[place] for tokens in self.ids.values()} - {PAD}) for place in range(len(self.slots))
        )

    @cached_property
    def groups(self) -> Mapping[tuple[str, ...], int]:
        """How many items share all of their tokens but the resolver."""
        kept = len(self.slots) - self.resolves
        return Counter(tokens[:kept] for tokens in self.ids.values())

    @cached_property
    def base_tokens(self) -> int:
        """How many different tokens of descriptors the ids have (AgenticTagger, table 7)."""
        found = {token for group in self.groups for token in group}
        return len(found - {PAD})

    @property
    def largest_group(self) -> int:
        """How many items share all descriptors at most: as many resolvers tell all items apart (table 7)."""
        return max(self.groups.values(), default=0)

    @property
    def beyond_first(self) -> int:
        """How many items need a resolver other than the first: another item before has the same descriptors."""
        return len(self.ids) - len(self.groups)


def semantic_ids(vocabulary: Vocabulary, further: int = 0, *, resolver: bool = True) -> SemanticIds:
    """Put every item's descriptors into slots (AgenticTagger 4.4, 5.2.1).

    Slots `l1` … `lD` are the item's path, one for each level of the vocabulary, coarse to fine; where the path
    is shorter, they are padded. `x1` … are `further` descriptors that fit as well, best first, chosen so that
    items of one path differ if they can (`told_apart`). `r` numbers the items that share all of these, from 0 on
    in the order of the taggings, so that no two ids are the same; `resolver=False` leaves it away.

    A token's number is its descriptor's place in preorder: among those of its level in a level slot, among all
    in a further one. It depends on the vocabulary only, not on what the items got. Tokens of a level slot and
    of a further slot are different even for the same descriptor. An item's resolver stays as it is when more
    items are tagged after it.

    Raises:
        InputError: `further` is negative.
    """
    if further < 0:
        raise InputError(f"{further!r} further descriptors cannot be; give 0 or more")
    levels = [[d for d in vocabulary.descriptors if d.level == at] for at in range(1, vocabulary.depth + 1)]
    slots = [Slot(f"l{at}", "level", letters(at - 1), len(level)) for at, level in enumerate(levels, start=1)]
    shared = letters(len(slots))
    extra = [Slot(f"x{at}", "further", shared, len(vocabulary.descriptors)) for at in range(1, further + 1)]
    placed = {
        node: token
        for slot, level in zip(slots, levels, strict=True)
        for node, token in numbered(slot, level).items()
    }
    also = numbered(extra[0], vocabulary.descriptors) if extra else {}
    at = {descriptor.id: descriptor.level - 1 for descriptor in vocabulary.descriptors}
    others = told_apart(vocabulary.taggings, further)
    ids = {
        each.item_id: (
            *path_tokens(each, at, placed, len(levels)),
            *also_tokens(others[each.item_id], also, further),
        )
        for each in vocabulary.taggings
    }
    meanings = {
        token: Meaning(node, vocabulary.by_id[node].node.name, vocabulary.by_id[node].path)
        for tokens in (placed, also)
        for node, token in tokens.items()
    }
    found = SemanticIds((*slots, *extra), meanings, ids)
    return resolved(found, letters(len(slots) + bool(extra))) if resolver else found


def resolved(plain: SemanticIds, letter: str) -> SemanticIds:
    """Add the slot that tells items apart which share all their tokens."""
    slot = Slot("r", "resolver", letter, plain.largest_group)
    seen = Counter[tuple[str, ...]]()
    ids = {}
    for item, tokens in plain.ids.items():
        ids[item] = (*tokens, slot.token(seen[tokens]))
        seen[tokens] += 1
    return SemanticIds((*plain.slots, slot), plain.meanings, ids)


def numbered(slot: Slot, descriptors: Sequence[Descriptor]) -> dict[NodeId, str]:
    """Give each descriptor its token in a slot."""
    return {descriptor.id: slot.token(number) for number, descriptor in enumerate(descriptors)}


def path_tokens(
    tagging: Tagging, at: Mapping[NodeId, int], placed: Mapping[NodeId, str], depth: int
) -> list[str]:
    """Return a token a level; where a change by hand put two of a path on one level, the finer counts."""
    tokens = [PAD] * depth
    for node in tagging.path:
        tokens[at[node]] = placed[node]
    return tokens


def also_tokens(others: Sequence[NodeId], also: Mapping[NodeId, str], count: int) -> list[str]:
    """Return the tokens of an item's further descriptors, padded."""
    return [*(also[node] for node in others), *[PAD] * (count - len(others))]


def letters(number: int) -> str:
    """Name a set of tokens: a, b, … z, aa, ab, …"""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("a") + rest) + name
    return name


FORMAT = "taxonaut semantic ids"
VERSION = 1


def write_semantic_ids(found: SemanticIds, file: str | Path) -> Path | None:
    """Write `{item: [token, …]}`, and beside it (see `meanings_file`) the slots and what tokens mean.

    Returns the second file; None where `file` is `-`, standard output, which has no place beside it. With
    `.gz` both are compressed.
    """
    path = Path(file)
    with write_atomically(path) as raw:
        raw.write(json.dumps(found.ids, ensure_ascii=False).encode() + b"\n")
    if str(path) == STDIN:
        return None
    beside = meanings_file(path)
    with write_atomically(beside) as raw:
        raw.write(json.dumps(meanings_row(found), ensure_ascii=False, indent=1).encode() + b"\n")
    return beside


def meanings_file(path: Path) -> Path:
    """Return the file beside one of ids: of `ids.json` it is `ids.vocabulary.json`."""
    packed = path.suffix.lower() == ".gz"
    name = path.with_suffix("").name if packed else path.name
    stem = name[: -len(".json")] if name.lower().endswith(".json") else name
    return path.with_name(f"{stem}.vocabulary.json{'.gz' if packed else ''}")


def meanings_row(found: SemanticIds) -> dict[str, Any]:
    """Return slots, the pad and the table of tokens as JSON has them."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "pad": PAD,
        "slots": [
            {"name": slot.name, "kind": slot.kind, "letter": slot.letter, "size": slot.size, "used": used}
            for slot, used in zip(found.slots, found.used, strict=True)
        ],
        "tokens": {
            token: {"node": meaning.node, "name": meaning.name, "path": list(meaning.path)}
            for token, meaning in found.meanings.items()
        },
    }


def read_semantic_ids(file: str | Path) -> SemanticIds:
    """Read what `write_semantic_ids` wrote, from both files. Raises InputError that says which cannot be used."""
    path = Path(file)
    ids = _object(path)
    row = _object(meanings_file(path))
    if row.get("format") != FORMAT or row.get("version") != VERSION:
        raise InputError(
            f"{str(meanings_file(path))!r} has format {row.get('format')!r}, version {row.get('version')!r}; it "
            f"must be {FORMAT!r}, {VERSION}, as taxonaut vocabulary export writes it"
        )
    try:
        slots = tuple(Slot(each["name"], each["kind"], each["letter"], each["size"]) for each in row["slots"])
        meanings = {
            token: Meaning(NodeId(each["node"]), each["name"], tuple(each["path"]))
            for token, each in row["tokens"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{str(meanings_file(path))!r} is damaged ({error!r}); export it again") from None
    resolvers = {
        slot.token(number) for slot in slots if slot.kind == "resolver" for number in range(slot.size)
    }
    known = {PAD, *meanings, *resolvers}
    for item, tokens in ids.items():
        if (
            not isinstance(tokens, list)
            or len(tokens) != len(slots)
            or not all(isinstance(token, str) and token in known for token in tokens)
        ):
            raise InputError(
                f"{str(path)!r} gives {item!r} {tokens!r}, not a known token for each of {len(slots)} slots; "
                "export it again"
            )
    return SemanticIds(slots, meanings, {ItemId(item): tuple(tokens) for item, tokens in ids.items()})


def _object(path: Path) -> Mapping[str, Any]:
    """Read a file that is one JSON object."""
    with open_source(path, "json").open_text() as text:
        try:
            found = json.load(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{str(path)!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{str(path)!r} holds no JSON object, but {type(found).__name__}; export it again")
    return found
