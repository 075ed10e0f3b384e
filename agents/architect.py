"""Architect: propose the centres that divide a set of labels (GenCenters of XMC-Agent, algorithm 1)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal

from taxonaut.agents.asking import Asker
from taxonaut.agents.support.texts import path_text
from taxonaut.agents.support.vector_clusters import VectorClusters, VectorQuery
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
"""For models that score the options' texts by likelihood."""

LONGEST_LABEL = 160
"""Characters of a label that a prompt shows."""

CHOSEN = "candidates"

AnswerMode = Literal["written", "voted", "scored"]
"""How centres are produced: written by a language model, voted for by sampled labels among candidates (encoder), or
ranked among candidates by a model that only scores options."""


@dataclass(frozen=True, slots=True)
class ArchitectKind:
    """What an architect names: its template, and its tool spec for a maximum number of names.

    With `strict`, candidates named without a language model must pass the same checks as written names.
    """

    template: str
    spec: Callable[[int], ToolSpec]
    strict: bool = False


CENTRES = ArchitectKind("architect/propose_centres", propose_categories_spec)
"""Centres that divide labels (XMC-Agent)."""

DESCRIPTORS = ArchitectKind("architect/propose_descriptors", propose_descriptors_spec, strict=True)
"""Descriptors that divide items, each with what it includes and excludes (AgenticTagger)."""


@dataclass(frozen=True, slots=True)
class ArchitectSettings:
    """Architect settings.

    `sample`: labels shown of a partition. `candidates`: candidate centres per centre wanted, if the model chooses
    among candidates. `examples`: labels shown with each group.
    """

    task: str = ""
    sample: int = 64
    candidates: float = 1.5
    examples: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class CentreProposal:
    """Centres proposed for a partition, and the problems of those that were rejected."""

    centres: tuple[Centre, ...]
    problems: tuple[str, ...]
    decision: Decision
    error: ModelError | None = None


class Architect(Generic[Id]):
    """Propose centres for partitions."""

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        suggestions: VectorClusters[Id],
        settings: ArchitectSettings | None = None,
        mode: AnswerMode = "written",
        kind: ArchitectKind = CENTRES,
    ) -> None:
        self.settings = settings or ArchitectSettings()
        self.suggestions = suggestions
        self.mode = mode
        self.kind = kind
        template = SCORED_TEMPLATE if mode == "scored" else kind.template
        self.asker = Asker("architect", model, prompts.get(template), self.settings.task)

    @property
    def seed(self) -> int:
        """The random seed."""
        return self.settings.seed

    async def propose(
        self, partitions: Sequence[Partition[Id]], wanted: Sequence[int]
    ) -> list[CentreProposal]:
        """Propose at most `wanted` centres for each partition, concurrently; results are in order.

        A further attempt shows the problems of the one before and uses another seed.
        """
        samples = await self.suggestions.sample_all(
            [self.build_query(p, self.settings.sample) for p in partitions]
        )
        factor = 1.0 if self.mode == "written" else self.settings.candidates
        counts = [max(2, round(count * factor)) for count in wanted]
        candidates = await self.suggestions.suggest_all(
            [self.build_query(p, count) for p, count in zip(partitions, counts, strict=True)]
        )
        requests = [
            self.build_request(partition, sample, offered, most)
            for partition, sample, offered, most in zip(partitions, samples, candidates, wanted, strict=True)
        ]
        replies = await self.asker.model.answer(requests)
        return [
            self.read_reply(partition, request, offered, most, reply)
            for partition, request, offered, most, reply in zip(
                partitions, requests, candidates, wanted, replies, strict=True
            )
        ]

    def build_query(self, partition: Partition[Id], count: int) -> VectorQuery[Id]:
        """Build the vector query of a partition."""
        taken = (*partition.path, *(sibling.name for sibling in partition.siblings))
        return VectorQuery(partition.labels, count, self.settings.seed + partition.attempt, taken)

    def build_request(
        self, partition: Partition[Id], sample: Sequence[Any], candidates: Sequence[Centre], most: int
    ) -> ModelRequest:
        """Build the request for one partition."""
        names = [clip_line(self.suggestions.text(label)) for label in sample]
        listed = "\n".join(f"- {name}" for name in names)
        if self.mode == "scored":
            variables: dict[str, Any] = {}
        else:
            variables = {
                "path": path_text(partition.path),
                "siblings": [self.describe_centre(sibling) for sibling in partition.siblings],
                "suggestions": [self.describe_centre(candidate) for candidate in candidates],
                "problems": list(partition.problems),
                "most": most,
            }
        system, context = self.asker.render_shared(lambda: variables)
        choices = tuple(
            Choice(number, (candidate.name, *(self.suggestions.text(label) for label in candidate.examples)))
            for number, candidate in enumerate(candidates, start=1)
        )
        return ModelRequest(
            system=system,
            context=context,
            item=self.asker.render_item(listed),
            blank_item=self.asker.blank,
            text=listed,
            tool=self.kind.spec(most)
            if self.mode == "written"
            else choose_candidates_spec(len(choices), most),
            field=CHOSEN if self.mode == "scored" else "",
            choices=choices,
            most=1 if self.mode == "voted" else most,
            texts=tuple(names) if self.mode == "voted" else (),
        )

    def describe_centre(self, centre: Centre) -> dict[str, Any]:
        """Return a centre as a prompt shows it."""
        examples = [
            clip_line(self.suggestions.text(label)) for label in centre.examples[: self.settings.examples]
        ]
        return {"name": centre.name, "examples": examples}

    def read_reply(
        self,
        partition: Partition[Id],
        request: ModelRequest,
        candidates: Sequence[Centre],
        most: int,
        reply: ModelReply | ModelError,
    ) -> CentreProposal:
        """Read a reply: keep the centres with distinct names, and build the decision row."""
        error = reply if isinstance(reply, ModelError) else None
        centres: tuple[Centre, ...] = ()
        problems: tuple[str, ...] = ()
        if not isinstance(reply, ModelError):
            if self.mode == "written":
                centres, problems = read_categories(partition, reply.arguments.get(FIELD, ()))
            else:
                chosen = rank_by_votes(reply.each) if self.mode == "voted" else list(reply.chosen)
                centres = tuple(candidates[number - 1] for number in chosen)
                if self.kind.strict:
                    centres, problems = keep_distinct(partition, centres)
                centres = centres[:most]
        decision = Decision(
            item_id=partition_id(partition),
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
            transcript=reply.transcript,
            error=str(error) if error else "",
        )
        return CentreProposal(centres, problems, decision, error)


def read_categories(
    partition: Partition[Any], categories: Sequence[Any]
) -> tuple[tuple[Centre, ...], tuple[str, ...]]:
    """Read written categories; keep those with distinct names and report the problems of the others."""
    centres: list[Centre] = []
    for category in categories:
        description = " ".join(str(category.get("description", "")).split())
        lists = (short_texts(category.get(key, ())) for key in ("includes", "excludes"))
        centres.append(Centre(str(category["name"]), description, (), *lists))
    return keep_distinct(partition, centres)


def keep_distinct(
    partition: Partition[Any], proposed: Sequence[Centre]
) -> tuple[tuple[Centre, ...], tuple[str, ...]]:
    """Keep the centres with distinct names; report the problems of the others."""
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


def rank_by_votes(each: Sequence[Sequence[int]]) -> list[int]:
    """Return the candidates that sampled labels voted for, most votes first."""
    votes: dict[int, int] = {}
    for chosen in each:
        for number in chosen[:1]:
            votes[number] = votes.get(number, 0) + 1
    return sorted(votes, key=lambda number: (-votes[number], number))


def choose_candidates_spec(count: int, most: int) -> ToolSpec:
    """Return the tool spec for choosing among candidate centres."""
    schema = choice_schema(CHOSEN, count, min(most, count), "the candidates that part the labels best")
    return ToolSpec("propose_category", "Choose the categories that part a set of labels.", schema)


def partition_id(partition: Partition[Any]) -> ItemId:
    """Return a partition's item id in decision rows."""
    return ItemId(f"part {partition.key or 'root'}")


def clip_line(name: str, characters: int = LONGEST_LABEL) -> str:
    """Return a name on one line, cut to `characters`."""
    line = " ".join(name.split())
    return line if len(line) <= characters else line[:characters] + " […]"
