"""Labelled texts that are shown as examples in prompts: those nearest to the item (few-shot demonstrations)."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from typing_extensions import TypedDict

from taxonaut.agents.support.texts import PATH_SEPARATOR
from taxonaut.models.embedder import Matrix
from taxonaut.models.requests import Choice
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item

LONGEST = 400
"""Maximum characters of a demonstration's text in a prompt."""


@dataclass(frozen=True, slots=True)
class DemonstrationText:
    """A text whose labels are known to be right."""

    item: ItemId
    text: str
    labels: tuple[LabelId, ...]


class ShownOption(TypedDict):
    """A right option of a demonstration: its number in this request, its text, and the last name of that."""

    id: int
    path: str
    name: str


class Demonstration(TypedDict):
    """A demonstration in a prompt: its text, and the options of this request that are right for it."""

    text: str
    options: list[ShownOption]


class Demonstrations:
    """Chooses the labelled texts most similar to an item, of those with a right label among the options on offer.

    At a node an option is right if a right label lies below it. What is known of the item itself is never shown:
    neither its own row nor one with the same text. `load` returns the labelled texts, `embed` unit vectors of texts,
    `lookup` those of the labelled texts, which are stored.
    """

    def __init__(
        self,
        index: Index,
        load: Callable[[], Sequence[DemonstrationText]],
        lookup: Callable[[Sequence[str]], Matrix],
        embed: Callable[[Sequence[str]], Matrix],
        most: int,
    ) -> None:
        self.index = index
        self.load = load
        self.lookup = lookup
        self.embed = embed
        self.most = most
        self.above: dict[LabelId, frozenset[NodeId]] = {}
        self.version = index.version()

    @cached_property
    def texts(self) -> Sequence[DemonstrationText]:
        """The labelled texts, each text once."""
        known: dict[str, DemonstrationText] = {}
        for each in self.load():
            known.setdefault(same_text(each.text), each)
        return list(known.values())

    @cached_property
    def vectors(self) -> Matrix:
        """The vectors of the labelled texts, shape (texts, dimension)."""
        return self.lookup([each.text for each in self.texts])

    @property
    def digest(self) -> str:
        """A hash of the labelled texts and how many are shown: what they are decides what a model is asked."""
        hashed = hashlib.sha256(str(self.most).encode())
        for each in self.texts:
            hashed.update("\0".join((each.item, each.text, *each.labels, "")).encode(errors="replace"))
        return hashed.hexdigest()[:16]

    def order(self, items: Sequence[Item]) -> Mapping[ItemId, Sequence[int]]:
        """Return the places of the labelled texts for each item, the most similar first."""
        if not self.texts or not items:
            return {item.id: () for item in items}
        similar = self.embed([item.text for item in items]) @ self.vectors.T
        places = np.argsort(-similar, axis=1, kind="stable")
        return {item.id: row.tolist() for item, row in zip(items, places, strict=True)}

    def choose(
        self, item: Item, order: Iterable[int], options: Mapping[int | str, Choice], *, at_node: bool
    ) -> list[Demonstration]:
        """Return the demonstrations for an item, the most similar last, next to the item.

        `options` are those on offer: labels, or branches where `at_node`.
        """
        found: list[Demonstration] = []
        own = same_text(item.text)
        for place in order:
            if len(found) == self.most:
                break
            each = self.texts[place]
            if each.item == item.id or same_text(each.text) == own:
                continue
            right = self.right_options(each.labels, options, at_node=at_node)
            if right:
                text = each.text if len(each.text) <= LONGEST else each.text[:LONGEST] + " […]"
                found.append({"text": text, "options": [shown(choice) for choice in right]})
        return found[::-1]

    def right_options(
        self, labels: Sequence[LabelId], options: Mapping[int | str, Choice], *, at_node: bool
    ) -> list[Choice]:
        """Return the options that are right for labels."""
        if not at_node:
            return [options[label] for label in labels if label in options]
        above = {node for label in labels for node in self.nodes_above(label)}
        return [choice for option, choice in options.items() if option in above]

    def nodes_above(self, label: LabelId) -> frozenset[NodeId]:
        """Return the nodes that a label lies in or below."""
        if self.version != self.index.version():
            self.above.clear()
            self.version = self.index.version()
        if label not in self.above:
            seen: set[NodeId] = set()
            level = self.index.placements_of(label) if self.index.has_label(label) else []
            while level:
                seen.update(level)
                parents = [parent.id for node in level for parent in self.index.parents(node)]
                level = [node for node in dict.fromkeys(parents) if node not in seen]
            self.above[label] = frozenset(seen)
        return self.above[label]


def same_text(text: str) -> str:
    """Return what equal texts have in common, whatever their case and white space."""
    return " ".join(text.split()).casefold()


def shown(choice: Choice) -> ShownOption:
    """Return an option as a demonstration shows it."""
    return {"id": choice.id, "path": choice.texts[0], "name": choice.texts[0].rpartition(PATH_SEPARATOR)[2]}
