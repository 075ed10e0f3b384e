"""Semantic ids: an item's descriptors as tokens in fixed slots, as generative recommenders take them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.vocabulary import Tagging
from taxonaut.workspace.telling_apart import told_apart
from taxonaut.workspace.vocabulary import Descriptor, Vocabulary

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
