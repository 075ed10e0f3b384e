"""Which category or label some words mean: names that match, narrowed by what was spoken of, or a question back."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field

from taxonaut.agents.asking import Asker, Question
from taxonaut.agents.support.texts import PATH_SEPARATOR, path_text
from taxonaut.conversation.nlu.index_names import Names, fold, key_of
from taxonaut.models.requests import Answers, Choice
from taxonaut.prompts.library import Prompt
from taxonaut.state.ids import ItemId, LabelId, NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.state.records import Decision, Item, ToolSpec
from taxonaut.tools.support.chat_tool import Focus
from taxonaut.tools.support.offers import Offer, choice_schema

FIELD = "categories"
MOST_NEAR = 6
"""Names that are compared by their vectors where none is exactly what was said."""

MOST_ASKED = 9
"""Places named in a question."""

NEAR_ENOUGH = 0.62
CLEARLY = 0.06

TOP = frozenset(
    ("top", "root", "top level", "the top", "the root", "top categories", "tree", "whole tree", "everything")
)


@dataclass(frozen=True, slots=True)
class Found:
    """What some words mean: one place, or several to ask about, or none. `sure`: by a name, not by the encoder."""

    places: tuple[Place, ...] = ()
    decisions: tuple[Decision, ...] = ()
    sure: bool = True


@dataclass
class Places:
    """The categories of an index by what people call them; the names are read again after a change."""

    index: Index
    encoder: Answers
    agent: str
    _names: Names = field(default_factory=Names)
    _version: int = -1

    @property
    def names(self) -> Names:
        """All names as they are now."""
        version = self.index.version()
        if version != self._version:
            self._names, self._version = Names.of(self.index), version
        return self._names

    async def find(self, words: str, focus: Focus, *, labels: bool = False) -> Found:
        """Find the categories that words mean, with `labels` the labels instead."""
        wanted = " ".join(words.split()).strip(" .,;:!?")
        if not labels and wanted.casefold().removeprefix("the ") in TOP:
            return Found((self.index.root(),))
        given = wanted.removeprefix("node ").removeprefix("#")
        if not labels and given.isdecimal() and given.isascii() and self.index.has_node(NodeId(int(given))):
            return Found((NodeId(int(given)),))
        if self.index.has_label(LabelId(wanted)):
            return Found(self._places([LabelId(wanted)], labels))
        steps = [key for key in map(key_of, wanted.split(PATH_SEPARATOR.strip())) if key]
        if not steps:
            return Found()
        exact = self._named(steps[-1], labels)
        if len(steps) > 1:
            exact = tuple(place for place in exact if self._below(place, steps[:-1]))
        if exact:
            return Found(self._narrowed(exact, wanted, focus))
        inside = self._inside(wanted, labels)
        if inside:
            return Found(self._narrowed(inside, wanted, focus))
        return await self._near(wanted, focus, labels)

    def path(self, place: Place) -> tuple[str, ...]:
        """Return the names from the top down to a place; none for the root."""
        if isinstance(place, int):
            return tuple(node.name for node in self.index.nodes(self.index.node_paths([place])[place]))
        paths = self.index.paths(place)
        return paths[0] if paths else (self.index.label(place).name,)

    def name(self, place: Place) -> str:
        """Return what a place is called."""
        path = self.path(place)
        return path[-1] if path else "the top"

    def above(self, place: Place) -> Place:
        """Return the node that a place stands in; the root stands in itself."""
        if isinstance(place, int):
            parents = self.index.parents(place)
            return parents[0].id if parents else place
        nodes = self.index.placements_of(place)
        return nodes[0] if nodes else self.index.root()

    def _named(self, key: tuple[str, ...], labels: bool) -> tuple[Place, ...]:
        return tuple(self.names.labels.get(key, ()) if labels else self.names.places.get(key, ()))

    def _places(self, ids: Sequence[LabelId], labels: bool) -> tuple[Place, ...]:
        if labels:
            return tuple(ids)
        return tuple(map(self.of_label, ids))

    def of_label(self, label: LabelId) -> Place:
        """Return the node that a label is, or else the label."""
        nodes = self.index.nodes(self.index.placements_of(label))
        return next((node.id for node in nodes if node.label_id == label), label)

    def _inside(self, wanted: str, labels: bool) -> tuple[Place, ...]:
        """Return what has the longest name among the words, if most of the words are that name."""
        words = wanted.casefold().split()
        spans = sorted(self.names.spans(words), key=lambda span: span[0] - span[1])
        if not spans or 2 * (spans[0][1] - spans[0][0]) < len(words):
            return ()
        return self._named(spans[0][2], labels)

    def _below(self, place: Place, steps: Sequence[tuple[str, ...]]) -> bool:
        """Say whether the steps come in this order above a place."""
        left = list(map(key_of, self.path(place)[:-1]))
        for step in reversed(steps):
            while left and left[-1] != step:
                left.pop()
            if not left:
                return False
            left.pop()
        return True

    def _narrowed(self, places: tuple[Place, ...], wanted: str, focus: Focus) -> tuple[Place, ...]:
        """Return those of the same name that are nearest to what was spoken of."""
        places = tuple(dict.fromkeys(places))
        if len(places) < 2:
            return places
        nodes = tuple(place for place in places if isinstance(place, int))
        name = wanted.rpartition(">")[2].strip().casefold()
        for group in (nodes, places):
            same = tuple(place for place in group if self.name(place).casefold() == name)
            if len(same) == 1:
                return same
        shared = {place: self._shared(place, focus) for place in places}
        best = max(shared.values())
        nearest = tuple(place for place in places if shared[place] == best)
        if best and len(nearest) == 1:
            return nearest
        return tuple(sorted(places, key=lambda place: (len(self.path(place)), self.path(place)))[:MOST_ASKED])

    def _shared(self, place: Place, focus: Focus) -> int:
        """Count the names that a path has in common with that of what was spoken of."""
        count = 0
        for node in focus.nodes[:1]:
            if self.index.has_node(NodeId(node)):
                for one, other in zip(self.path(place), self.path(NodeId(node)), strict=False):
                    if one != other:
                        break
                    count += 1
        return count

    async def _near(self, wanted: str, focus: Focus, labels: bool) -> Found:
        """Let the encoder choose among names that share words, or are spelt alike."""
        mended = self._mended(wanted)
        near = self.names.near(mended, MOST_NEAR)
        options = tuple(dict.fromkeys(place for key in near for place in self._named(key, labels)))[
            :MOST_NEAR
        ]
        if not options:
            return Found()
        prompt = Prompt("assistant/choose_category", "", ())
        asker = Asker(self.agent, self.encoder, prompt, "")
        question = Question(
            node=None,
            offer=Offer(options, 0),
            choices=tuple(Choice(at, (self.name(place),)) for at, place in enumerate(options, start=1)),
            tool=ToolSpec(
                "choose_category", "", choice_schema(FIELD, len(options), len(options), "categories")
            ),
            field=FIELD,
            most=len(options),
            system="",
            context="",
        )
        (answer,) = await asker.ask([(Item(ItemId(wanted[:200]), " ".join(mended)), question)])
        scores = dict(zip(answer.chosen, answer.scores, strict=True))
        kept = tuple(place for place, score in scores.items() if score >= NEAR_ENOUGH)
        if len(kept) > 1 and scores[kept[0]] - scores[kept[1]] >= CLEARLY:
            kept = kept[:1]
        same = {self.name(place) for place in kept}
        if len(same) == 1:
            kept = self._narrowed(kept, self.name(kept[0]), focus)
        return Found(kept[:MOST_ASKED], (answer.decision,), sure=False)

    def like(self, wanted: str, *, labels: bool = False) -> tuple[Place, ...]:
        """Return a few places whose names share words with these, or are spelt like them."""
        near = self.names.near(self._mended(wanted), MOST_NEAR)
        return tuple(dict.fromkeys(place for key in near for place in self._named(key, labels)))[:MOST_NEAR]

    def _mended(self, wanted: str) -> list[str]:
        """Return the words, those that no name has by the most similar one that some name has."""
        having = self.names.having
        mended: list[str] = []
        for word in (part for piece in wanted.casefold().split() for part in fold(piece).split()):
            if word in having or len(word) < 4:
                mended.append(word)
            else:
                alike = [
                    known for known in having if known[0] == word[0] and abs(len(known) - len(word)) <= 2
                ]
                mended += difflib.get_close_matches(word, alike, n=2, cutoff=0.8)
        return mended

    def listed(self, places: Sequence[Place]) -> str:
        """Number places by their paths, a line each."""
        return "\n".join(f"  {at}  {path_text(self.path(place))}" for at, place in enumerate(places, start=1))
