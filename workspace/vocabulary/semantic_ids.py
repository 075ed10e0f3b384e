"""Semantic ids: an item's descriptors as tokens in fixed slots, for generative recommenders."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any, BinaryIO, Literal

from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.files.output_files import write_atomically
from taxonaut.workspace.files.sources import STDIN, load_json, open_source
from taxonaut.workspace.vocabulary.reading import Descriptor, Vocabulary

MAX_CANDIDATES = 12
"""Maximum further descriptors of an item considered by `choose_distinct`, best first."""


def choose_distinct(taggings: Sequence[Tagging], further: int) -> dict[ItemId, tuple[NodeId, ...]]:
    """Choose `further` of each item's further descriptors, so that items with the same path differ.

    Each item takes its best combination (lowest sum of ranks) not taken by an earlier item with the same path;
    if all are taken, its best. The choice does not depend on later items. Descriptors of the path are left out.
    """
    taken: set[tuple[tuple[NodeId, ...], tuple[NodeId, ...]]] = set()
    found = {}
    for tagging in taggings:
        others = [node for node in dict.fromkeys(tagging.others) if node not in tagging.path][:MAX_CANDIDATES]
        choices = (
            tuple(others[place] for place in places) for places in rank_combinations(len(others), further)
        )
        best = tuple(others[:further])
        chosen = next((choice for choice in choices if (tagging.path, choice) not in taken), best)
        taken.add((tagging.path, chosen))
        found[tagging.item_id] = chosen
    return found


@lru_cache
def rank_combinations(count: int, further: int) -> list[tuple[int, ...]]:
    """Return the combinations of `further` of `count` ranks (all, if there are fewer), lowest sum first."""
    return sorted(combinations(range(count), min(further, count)), key=sum)


PAD = "<pad>"
"""The token of an empty slot, in every slot; no other token has this form."""

SlotKind = Literal["level", "further", "resolver"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A position of every id. `letter` names its `size` tokens `<letter_0>`, `<letter_1>`, …

    Where the nearest descriptors stand for those that do not fit, a slot has two tokens a descriptor: of n
    descriptors, number k says that one fits, and n + k that it is near. The slots of further descriptors share a
    letter, and so their tokens. A resolver has as many tokens as the largest group of items with equal descriptors.
    """

    name: str
    kind: SlotKind
    letter: str
    size: int

    def token(self, number: int) -> str:
        """Return a token of this slot."""
        return f"<{self.letter}_{number}>"


@dataclass(frozen=True, slots=True)
class Meaning:
    """The descriptor of a token, with the names from level 1 down to its own.

    `nearest`: the descriptor does not fit the items that have the token, but is among the nearest.
    """

    node: NodeId
    name: str
    path: tuple[str, ...]
    nearest: bool = False


@dataclass(frozen=True)
class SemanticIds:
    """The ids of all items, in order, one token per slot; `meanings` has the descriptor of each token."""

    slots: tuple[Slot, ...]
    meanings: Mapping[str, Meaning]
    ids: Mapping[ItemId, tuple[str, ...]]

    @property
    def resolves(self) -> bool:
        """Whether the last slot is a resolver."""
        return bool(self.slots) and self.slots[-1].kind == "resolver"

    def path(self, item: ItemId) -> tuple[NodeId, ...]:
        """Return the descriptors of an item's level slots that fit, coarse to fine."""
        return self._nodes(item, "level")

    def nearest(self, item: ItemId) -> tuple[NodeId, ...]:
        """Return the descriptors of an item's level slots that do not fit but are the nearest, coarse to fine."""
        return self._nodes(item, "level", nearest=True)

    def further(self, item: ItemId) -> tuple[NodeId, ...]:
        """Return the descriptors of an item's further slots, best first."""
        return self._nodes(item, "further")

    def _nodes(self, item: ItemId, kind: SlotKind, *, nearest: bool = False) -> tuple[NodeId, ...]:
        return tuple(
            self.meanings[token].node
            for slot, token in zip(self.slots, self.ids[item], strict=True)
            if slot.kind == kind and token != PAD and self.meanings[token].nearest == nearest
        )

    @cached_property
    def with_nearest(self) -> int:
        """The number of items with a token of a descriptor that is only the nearest."""
        marked = {token for token, meaning in self.meanings.items() if meaning.nearest}
        return sum(not marked.isdisjoint(tokens) for tokens in self.ids.values())

    @cached_property
    def used(self) -> tuple[int, ...]:
        """The number of used tokens of each slot, without the pad."""
        return tuple(
            len({tokens[place] for tokens in self.ids.values()} - {PAD}) for place in range(len(self.slots))
        )

    @cached_property
    def groups(self) -> Mapping[tuple[str, ...], int]:
        """The number of items by their tokens without the resolver."""
        kept = len(self.slots) - self.resolves
        return Counter(tokens[:kept] for tokens in self.ids.values())

    @cached_property
    def base_tokens(self) -> int:
        """The number of different descriptor tokens in the ids (AgenticTagger, table 7)."""
        found = {token for group in self.groups for token in group}
        return len(found - {PAD})

    @property
    def largest_group(self) -> int:
        """The most items with equal descriptors: the resolver tokens needed for unique ids (table 7)."""
        return max(self.groups.values(), default=0)

    @property
    def beyond_first(self) -> int:
        """The number of items with the descriptors of an earlier item, which need a resolver other than the first."""
        return len(self.ids) - len(self.groups)


def semantic_ids(
    vocabulary: Vocabulary,
    further: int = 0,
    *,
    resolver: bool = True,
    nearest: Mapping[ItemId, Tagging] | None = None,
) -> SemanticIds:
    """Return the semantic ids of all items (AgenticTagger 4.4, 5.2.1).

    Slots `l1` … `lD` are the item's path, one per level of the vocabulary, coarse to fine, padded if the path is
    shorter. With `nearest` (`nearest_descriptors`) a path that ends above other descriptors goes on with the nearest,
    and the next nearest follow the further descriptors, all under tokens of their own; a pad in a level slot then
    means only that the vocabulary ends there. `x1` … are `further`
    descriptors that fit as well, best first, chosen so that items with the same path differ if possible
    (`choose_distinct`). `r` numbers the items with equal descriptors from 0, in the order of the taggings, so that
    ids are unique; `resolver=False` omits it.

    A token's number is its descriptor's position in preorder: within its level for a level slot, among all for a
    further slot. It depends on the vocabulary only, not on the taggings. A descriptor's tokens in level and
    further slots differ. An item's resolver does not change when more items are tagged.

    Raises:
        InputError: `further` is negative.
    """
    if further < 0:
        raise InputError(f"invalid number of further descriptors {further!r}; give 0 or more")
    levels = [[d for d in vocabulary.descriptors if d.level == at] for at in range(1, vocabulary.depth + 1)]
    tokens_each = 1 if nearest is None else 2
    slots = [
        Slot(f"l{at}", "level", letter_name(at - 1), tokens_each * len(level))
        for at, level in enumerate(levels, start=1)
    ]
    shared = letter_name(len(slots))
    extra = [
        Slot(f"x{at}", "further", shared, tokens_each * len(vocabulary.descriptors))
        for at in range(1, further + 1)
    ]
    placed = level_tokens(slots, levels)
    also = assign_tokens(extra[0], vocabulary.descriptors) if extra else {}
    if nearest is not None:
        placed |= level_tokens(slots, levels, near=True)
        also |= assign_tokens(extra[0], vocabulary.descriptors, near=True) if extra else {}
    at = {descriptor.id: descriptor.level - 1 for descriptor in vocabulary.descriptors}
    taggings = [join_nearest(each, (nearest or {}).get(each.item_id)) for each in vocabulary.taggings]
    others = choose_distinct(taggings, further)
    ids = {
        each.item_id: (
            *path_tokens(each, at, placed, len(levels)),
            *further_tokens(others[each.item_id], also, further),
        )
        for each in taggings
    }
    meanings = {
        token: Meaning(
            fitting(node),
            vocabulary.by_id[fitting(node)].node.name,
            vocabulary.by_id[fitting(node)].path,
            nearest=is_near(node),
        )
        for tokens in (placed, also)
        for node, token in tokens.items()
    }
    found = SemanticIds((*slots, *extra), meanings, ids)
    return add_resolver(found, letter_name(len(slots) + bool(extra))) if resolver else found


def add_resolver(plain: SemanticIds, letter: str) -> SemanticIds:
    """Add the resolver slot, which makes ids unique."""
    slot = Slot("r", "resolver", letter, plain.largest_group)
    seen = Counter[tuple[str, ...]]()
    ids = {}
    for item, tokens in plain.ids.items():
        ids[item] = (*tokens, slot.token(seen[tokens]))
        seen[tokens] += 1
    return SemanticIds((*plain.slots, slot), plain.meanings, ids)


def near_mark(node: NodeId) -> NodeId:
    """Return the id that stands for a descriptor that is near and does not fit: the negative one."""
    return NodeId(-node)


def is_near(node: NodeId) -> bool:
    """Whether an id is one of `near_mark`."""
    return node < 0


def fitting(node: NodeId) -> NodeId:
    """Return the descriptor of an id, whether marked or not."""
    return NodeId(abs(node))


def join_nearest(tagging: Tagging, nearest: Tagging | None) -> Tagging:
    """Continue a tagging with the nearest descriptors, each under its mark."""
    if nearest is None:
        return tagging
    path = (*tagging.path, *map(near_mark, nearest.path))
    others = dict.fromkeys(node for node in tagging.others if node not in tagging.path)
    return Tagging(tagging.item_id, path, (*others, *map(near_mark, nearest.others)))


def level_tokens(
    slots: Sequence[Slot], levels: Sequence[Sequence[Descriptor]], *, near: bool = False
) -> dict[NodeId, str]:
    """Return the token of each descriptor in its level's slot."""
    return {
        node: token
        for slot, level in zip(slots, levels, strict=True)
        for node, token in assign_tokens(slot, level, near=near).items()
    }


def assign_tokens(slot: Slot, descriptors: Sequence[Descriptor], *, near: bool = False) -> dict[NodeId, str]:
    """Return the token of each descriptor in a slot; `near` ones have the numbers after all others."""
    if near:
        count = len(descriptors)
        return {near_mark(each.id): slot.token(count + number) for number, each in enumerate(descriptors)}
    return {descriptor.id: slot.token(number) for number, descriptor in enumerate(descriptors)}


def path_tokens(
    tagging: Tagging, at: Mapping[NodeId, int], placed: Mapping[NodeId, str], depth: int
) -> list[str]:
    """Return a token per level; if the user's changes put two nodes of a path on one level, the lower one counts."""
    tokens = [PAD] * depth
    for node in tagging.path:
        tokens[at[fitting(node)]] = placed[node]
    return tokens


def further_tokens(others: Sequence[NodeId], also: Mapping[NodeId, str], count: int) -> list[str]:
    """Return the tokens of an item's further descriptors, padded."""
    return [*(also[node] for node in others), *[PAD] * (count - len(others))]


def letter_name(number: int) -> str:
    """Return the letters of a token set by its number: a, b, … z, aa, ab, …"""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("a") + rest) + name
    return name


FORMAT = "taxonaut semantic ids"
VERSION = 1


def write_semantic_ids(found: SemanticIds, file: str | Path) -> Path | None:
    """Write `{item: [token, …]}`, and to a second file (see `meanings_file`) the slots and the tokens' meanings.

    Returns the second file, None for standard output (`-`), which has none. With `.gz` both are compressed.
    """
    path = Path(file)
    meanings = None if str(path) == STDIN else meanings_file(path)
    with ExitStack() as files:
        ids = files.enter_context(write_atomically(path))
        if meanings is not None:
            write_meanings(found, files.enter_context(write_atomically(meanings)))
        write_ids(found, ids)
    return meanings


def write_ids(found: SemanticIds, raw: BinaryIO) -> None:
    """Write `{item: [token, …]}`."""
    raw.write(json.dumps(found.ids, ensure_ascii=False).encode() + b"\n")


def write_meanings(found: SemanticIds, raw: BinaryIO) -> None:
    """Write the slots, and what each token means."""
    raw.write(json.dumps(meanings_row(found), ensure_ascii=False, indent=1).encode() + b"\n")


def meanings_file(path: Path) -> Path:
    """Return the file of slots and meanings: `ids.vocabulary.json` for `ids.json`."""
    packed = path.suffix.lower() == ".gz"
    name = path.with_suffix("").name if packed else path.name
    stem = name[: -len(".json")] if name.lower().endswith(".json") else name
    return path.with_name(f"{stem}.vocabulary.json{'.gz' if packed else ''}")


def meanings_row(found: SemanticIds) -> dict[str, Any]:
    """Return slots, pad and tokens as JSON values."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "pad": PAD,
        "slots": [
            {"name": slot.name, "kind": slot.kind, "letter": slot.letter, "size": slot.size, "used": used}
            for slot, used in zip(found.slots, found.used, strict=True)
        ],
        "tokens": {
            token: {
                "node": meaning.node,
                "name": meaning.name,
                "path": list(meaning.path),
                **({"nearest": True} if meaning.nearest else {}),
            }
            for token, meaning in found.meanings.items()
        },
    }


def read_semantic_ids(file: str | Path) -> SemanticIds:
    """Read both files of `write_semantic_ids`. Raises InputError for an invalid one."""
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
            token: Meaning(
                NodeId(each["node"]), each["name"], tuple(each["path"]), bool(each.get("nearest", False))
            )
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
                f"invalid tokens {tokens!r} of item {item!r} in {str(path)!r}: expected a known token for each of "
                f"{len(slots)} slots; export it again"
            )
    return SemanticIds(slots, meanings, {ItemId(item): tuple(tokens) for item, tokens in ids.items()})


def _object(path: Path) -> Mapping[str, Any]:
    """Read a file that is one JSON object."""
    with open_source(path, "json").open_text() as text:
        try:
            found = load_json(text.read())
        except (ValueError, RecursionError) as error:
            raise InputError(f"{str(path)!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(
            f"expected a JSON object in {str(path)!r}, got {type(found).__name__}; export it again"
        )
    return found
