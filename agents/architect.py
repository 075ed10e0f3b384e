"""The architect: name the centres that part a set of labels (GenCenters of XMC-Agent, algorithm 1)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal

from taxonaut.agents.asking import Asker
from taxonaut.agents.support.texts import path_text
from taxonaut.agents.support.vector_clusters import Suggestions, Wish
from taxonaut.models.requests import Answers, Choice, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ToolError
from taxonaut.state.graph_states.build_index import Centre, Partition
from taxonaut.state.ids import Id, ItemId
from taxonaut.state.records import Decision, ToolSpec, Usage
from taxonaut.tools.support.offers import choice_schema
from taxonaut.tools.write.propose_category import (
    FIELD,
    category_name,
    propose_categories_spec,
    propose_descriptors_spec,
)
from taxonaut.tools.write.propose_change import short_texts

SCORED_TEMPLATE = "architect/propose_centres_scored"
"""For models that answer by the likelihood of the options' own texts."""

LONGEST_LABEL = 160
"""Characters of a label's name that a prompt shows."""

CHOSEN = "candidates"

Manner = Literal["written", "voted", "scored"]
"""How centres come about: a language model writes them; an encoder lets sampled labels vote among candidates;
a model that only scores options ranks the candidates."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What an architect is to name: the template that says so, and the tool it calls with at most so many names.

    `strict`: candidates that word statistics named must tell each other apart as well as names that were written.
    """

    template: str
    spec: Callable[[int], ToolSpec]
    strict: bool = False


CENTRES = Brief("architect/propose_centres", propose_categories_spec)
"""Centres that part labels (XMC-Agent)."""

DESCRIPTORS = Brief("architect/propose_descriptors", propose_descriptors_spec, strict=True)
"""Descriptors that part items, each with what it includes and excludes (AgenticTagger)."""


@dataclass(frozen=True, slots=True)
class ArchitectSettings:
    """How an architect looks at a partition.

    `sample`: labels it is shown. `candidates`: how many candidate centres are made for each one wanted, where the
    model chooses among them. `examples`: labels shown with each group.
    """

    task: str = ""
    sample: int = 64
    candidates: float = 1.5
    examples: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """Centres proposed for a partition, and what was wrong with those that are left out."""

    centres: tuple[Centre, ...]
    problems: tuple[str, ...]
    decision: Decision
    error: ModelError | None = None


class Architect(Generic[Id]):
    """Propose centres. What to do with them is the graph's business."""

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        suggestions: Suggestions[Id],
        settings: ArchitectSettings | None = None,
        manner: Manner = "written",
        brief: Brief = CENTRES,
    ) -> None:
        self.settings = settings or ArchitectSettings()
        self.suggestions = suggestions
        self.manner = manner
        self.brief = brief
        template = SCORED_TEMPLATE if manner == "scored" else brief.template
        self.asker = Asker("architect", model, prompts.get(template), self.settings.task)

    @property
    def seed(self) -> int:
        """Where chance starts."""
        return self.settings.seed

    async def propose(self, partitions: Sequence[Partition[Id]], wanted: Sequence[int]) -> list[Proposal]:
        """Propose at most `wanted` centres for each partition, all in flight together, in order.

        A former attempt's problems are in the prompt, and chance starts elsewhere.
        """
        samples = await self.suggestions.samples([self.wish(p, self.settings.sample) for p in partitions])
        factor = 1.0 if self.manner == "written" else self.settings.candidates
        counts = [max(2, round(count * factor)) for count in wanted]
        candidates = await self.suggestions.centres(
            [self.wish(p, count) for p, count in zip(partitions, counts, strict=True)]
        )
        requests = [
            self.request(partition, sample, offered, most)
            for partition, sample, offered, most in zip(partitions, samples, candidates, wanted, strict=True)
        ]
        replies = await self.asker.model.answer(requests)
        return [
            self.proposal(partition, request, offered, most, reply)
            for partition, request, offered, most, reply in zip(
                partitions, requests, candidates, wanted, replies, strict=True
            )
        ]

    def wish(self, partition: Partition[Id], count: int) -> Wish[Id]:
        """Say what to look at in a partition."""
        return Wish(partition.labels, count, self.settings.seed + partition.attempt)

    def request(
        self, partition: Partition[Id], sample: Sequence[Any], candidates: Sequence[Centre], most: int
    ) -> ModelRequest:
        """Write the request for one partition."""
        names = [shown(self.suggestions.name(label)) for label in sample]
        listed = "\n".join(f"- {name}" for name in names)
        if self.manner == "scored":
            variables: dict[str, Any] = {}
        else:
            variables = {
                "path": path_text(partition.path),
                "siblings": [self.group(sibling) for sibling in partition.siblings],
                "suggestions": [self.group(candidate) for candidate in candidates],
                "problems": list(partition.problems),
                "most": most,
            }
        system, context = self.asker.render_shared(lambda: variables)
        choices = tuple(
            Choice(number, (candidate.name, *(self.suggestions.name(label) for label in candidate.examples)))
            for number, candidate in enumerate(candidates, start=1)
        )
        return ModelRequest(
            system=system,
            context=context,
            item=self.asker.render_item(listed),
            blank_item=self.asker.blank,
            text=listed,
            tool=self.brief.spec(most) if self.manner == "written" else choosing_spec(len(choices), most),
            field=CHOSEN if self.manner == "scored" else "",
            choices=choices,
            most=1 if self.manner == "voted" else most,
            texts=tuple(names) if self.manner == "voted" else (),
        )

    def group(self, centre: Centre) -> dict[str, Any]:
        """A centre as a prompt shows it."""
        examples = [
            shown(self.suggestions.name(label)) for label in centre.examples[: self.settings.examples]
        ]
        return {"name": centre.name, "examples": examples}

    def proposal(
        self,
        partition: Partition[Id],
        request: ModelRequest,
        candidates: Sequence[Centre],
        most: int,
        reply: ModelReply | ModelError,
    ) -> Proposal:
        """Turn a reply into centres that may stand beside each other, and its decision row."""
        error = reply if isinstance(reply, ModelError) else None
        centres: tuple[Centre, ...] = ()
        problems: tuple[str, ...] = ()
        if not isinstance(reply, ModelError):
            if self.manner == "written":
                centres, problems = named(partition, reply.arguments.get(FIELD, ()))
            else:
                chosen = voted(reply.each) if self.manner == "voted" else list(reply.chosen)
                centres = tuple(candidates[number - 1] for number in chosen)
                if self.brief.strict:
                    centres, problems = apart(partition, centres)
                centres = centres[:most]
        decision = Decision(
            item_id=part_id(partition),
            node_id=None,
            agent=self.asker.agent,
            template=self.asker.prompt.name,
            template_hash=self.asker.prompt.hash,
            model=self.asker.model.name,
            tool=request.tool.name,
            options=tuple(candidate.name for candidate in candidates),
            choice=tuple(centre.name for centre in centres),
            seed=self.settings.seed + partition.attempt,
            usage=reply.usage if isinstance(reply, ModelReply) else Usage(),
            error=str(error) if error else "",
        )
        return Proposal(centres, problems, decision, error)


def named(partition: Partition[Any], categories: Sequence[Any]) -> tuple[tuple[Centre, ...], tuple[str, ...]]:
    """Take the proposals whose names tell them apart; say what is wrong with the others."""
    centres: list[Centre] = []
    for category in categories:
        description = " ".join(str(category.get("description", "")).split())
        lists = (short_texts(category.get(key, ())) for key in ("includes", "excludes"))
        centres.append(Centre(str(category["name"]), description, (), *lists))
    return apart(partition, centres)


def apart(
    partition: Partition[Any], proposed: Sequence[Centre]
) -> tuple[tuple[Centre, ...], tuple[str, ...]]:
    """Take the centres whose names tell them apart; say what is wrong with the others."""
    above = partition.path[-1] if partition.path else ""
    centres: list[Centre] = []
    problems: list[str] = []
    for centre in proposed:
        others = [other.name for other in (*centres, *partition.siblings)]
        try:
            centres.append(replace(centre, name=category_name(centre.name, above, others)))
        except ToolError as error:
            problems.append(str(error))
    return tuple(centres), tuple(problems)


def voted(each: Sequence[Sequence[int]]) -> list[int]:
    """Return the candidates that sampled labels chose, those with most votes first."""
    votes: dict[int, int] = {}
    for chosen in each:
        for number in chosen[:1]:
            votes[number] = votes.get(number, 0) + 1
    return sorted(votes, key=lambda number: (-votes[number], number))


def choosing_spec(count: int, most: int) -> ToolSpec:
    """Return the tool for a model that chooses among candidate centres."""
    schema = choice_schema(CHOSEN, count, min(most, count), "the candidates that part the labels best")
    return ToolSpec("propose_category", "Choose the categories that part a set of labels.", schema)


def part_id(partition: Partition[Any]) -> ItemId:
    """How a partition is called in decision rows."""
    return ItemId(f"part {partition.key or 'root'}")


def shown(name: str, characters: int = LONGEST_LABEL) -> str:
    """A label's name as a prompt shows it: on one line, and not without end."""
    line = " ".join(name.split())
    return line if len(line) <= characters else line[:characters] + " […]"
