"""The architect's review of a round: change proposals approved or rejected (AgenticTagger, algorithm 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from taxonaut.agents.annotator import graver
from taxonaut.agents.architect import Manner
from taxonaut.agents.asking import Asker
from taxonaut.agents.support.descriptor_changes import (
    Uncovered,
    ballot,
    choice_of,
    decision_of,
    option_texts,
    votes,
)
from taxonaut.agents.support.texts import TextOf, path_text
from taxonaut.models.requests import Answers, Choice, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.records import Decision
from taxonaut.tools.write.propose_change import DescriptorChange
from taxonaut.tools.write.review_changes import review_changes, review_changes_spec

TEMPLATE = "architect/review_changes"
SCORED_TEMPLATE = "architect/review_changes_scored"
"""For models that answer by the likelihood of the options' own texts."""

Proposed = tuple[Uncovered, DescriptorChange]
"""A change, with the cluster it is for."""

Verdict = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class Case:
    """The proposals of one round of one group; none of them asks for nothing."""

    key: str
    path: tuple[str, ...]
    centres: tuple[Centre, ...]
    proposals: tuple[Proposed, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """The verdict on each proposal of a case, and the decision rows."""

    verdicts: tuple[Verdict, ...]
    decisions: tuple[Decision, ...]
    error: ModelError | None = None


class ChangeReviewer:
    """Approve or reject changes.

    A model that writes sees all proposals of a case in one request. Otherwise the items vote once more, now
    with all new descriptors on offer beside the old ones: a change whose items mostly prefer another is
    rejected, so that of two proposals for one theme one remains.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        text_of: TextOf,
        task: str = "",
        manner: Manner = "written",
    ) -> None:
        self.manner = manner
        self.text_of = text_of
        template = SCORED_TEMPLATE if manner == "scored" else TEMPLATE
        self.asker = Asker("architect", model, prompts.get(template), task)

    async def review(self, cases: Sequence[Case]) -> list[Review]:
        """Review all cases, their requests in flight together."""
        asked = [(place, request) for place, case in enumerate(cases) for request in self.requests(case)]
        replies = await self.asker.model.answer([request for _, request in asked])
        answers: list[list[tuple[ModelRequest, ModelReply | ModelError]]] = [[] for _ in cases]
        for (place, request), reply in zip(asked, replies, strict=True):
            answers[place].append((request, reply))
        return [self.reviewed(case, found) for case, found in zip(cases, answers, strict=True)]

    def requests(self, case: Case) -> list[ModelRequest]:
        """Write the requests about one case: one, or one for each proposal where items vote."""
        if self.manner != "written":
            choices = self.choices(case)
            return [
                ballot(
                    self.asker,
                    cluster.voters,
                    choices,
                    scored=self.manner == "scored",
                )
                for cluster, _ in case.proposals
            ]
        variables = {
            "path": path_text(case.path),
            "options": option_texts(case.centres, range(len(case.centres))),
        }
        system, context = self.asker.render_shared(lambda: variables)
        text = "\n".join(f"{n}. {told(*proposed)}" for n, proposed in enumerate(case.proposals, start=1))
        return [
            ModelRequest(
                system=system,
                context=context,
                item=self.asker.render_item(text),
                blank_item=self.asker.blank,
                text=text,
                tool=review_changes_spec(len(case.proposals)),
                field="",
                choices=(),
                most=1,
            )
        ]

    def choices(self, case: Case) -> tuple[Choice, ...]:
        """What the items of a case choose among: the descriptors as expanded, then those that are proposed."""
        wider: dict[int, tuple[str, ...]] = {}
        for cluster, change in case.proposals:
            if change.kind == "expand" and change.at is not None:
                wider[change.at] = (*wider.get(change.at, ()), *cluster.examples)
        options = [
            choice_of(at + 1, centre, [*map(self.text_of, centre.examples), *wider.get(at, ())])
            for at, centre in enumerate(case.centres)
        ]
        for cluster, change in case.proposals:
            if change.kind == "create" and change.centre is not None:
                options.append(choice_of(len(options) + 1, change.centre, cluster.examples))
        return tuple(options)

    def reviewed(self, case: Case, answers: Sequence[tuple[ModelRequest, ModelReply | ModelError]]) -> Review:
        """Turn the replies about one case into verdicts."""
        errors = [reply for _, reply in answers if isinstance(reply, ModelError)]
        error = reduce(graver, errors) if errors else None
        verdicts = self.verdicts(case, answers)
        names = [centre.name for centre in case.centres]
        said = [f"{'approved' if yes else 'rejected'}: {why}" for yes, why in verdicts]
        shares = [said] if len(answers) == 1 else [[word] for word in said]
        decisions = tuple(
            decision_of(self.asker, f"review {case.key or 'root'}", request, reply, names, share)
            for (request, reply), share in zip(answers, shares, strict=True)
        )
        return Review(verdicts, decisions, error)

    def verdicts(
        self, case: Case, answers: Sequence[tuple[ModelRequest, ModelReply | ModelError]]
    ) -> tuple[Verdict, ...]:
        """Read one reply about all proposals, or one for each; what was not answered is rejected."""
        if self.manner == "written":
            _, reply = answers[0]
            if isinstance(reply, ModelError):
                return ((False, f"there was no review: {reply}"),) * len(case.proposals)
            return tuple(review_changes(reply.arguments, len(case.proposals)))
        found: list[Verdict] = []
        fresh = len(case.centres)
        for (_, change), (request, reply) in zip(case.proposals, answers, strict=True):
            own = change.at + 1 if change.at is not None else 0
            if change.kind == "create":
                own = fresh = fresh + 1
            if isinstance(reply, ModelError):
                found.append((False, f"there was no review: {reply}"))
                continue
            counted = votes(reply, request)
            won, cast = counted.get(own, 0), sum(counted.values())
            found.append((2 * won > cast, f"{won} of {cast} of its items fit it best"))
        return tuple(found)


def told(cluster: Uncovered, change: DescriptorChange) -> str:
    """A proposal as a prompt shows it."""
    assert change.centre is not None
    centre = change.centre
    verb = "Create" if change.kind == "create" else "Expand"
    about = f": {centre.description}" if centre.description else ""
    about += f" (includes: {'; '.join(centre.includes)})" if centre.includes else ""
    about += f" (excludes: {'; '.join(centre.excludes)})" if centre.excludes else ""
    why = f": {change.problem}" if change.problem else ""
    return f"{verb} {centre.name!r}{about} — for {cluster.size} items{why}"
