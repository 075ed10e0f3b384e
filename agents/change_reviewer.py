"""Architect's review: approve or reject the change proposals of a round (AgenticTagger, algorithm 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from taxonaut.agents.annotator import worse_error
from taxonaut.agents.architect import AnswerMode
from taxonaut.agents.asking import Asker
from taxonaut.agents.support.descriptor_changes import (
    UncoveredCluster,
    build_ballot,
    build_choice,
    build_decision,
    count_votes,
    describe_options,
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
"""For models that score the options' texts by likelihood."""

ProposedChange = tuple[UncoveredCluster, DescriptorChange]
"""A cluster, and the change proposed for it."""

Verdict = tuple[bool, str]
"""(approved, reason)."""


@dataclass(frozen=True, slots=True)
class Case:
    """The proposals for one group in one round, without those of kind `ignore`."""

    key: str
    path: tuple[str, ...]
    centres: tuple[Centre, ...]
    proposals: tuple[ProposedChange, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """Verdicts on the proposals of a case, and the decision rows."""

    verdicts: tuple[Verdict, ...]
    decisions: tuple[Decision, ...]
    error: ModelError | None = None


class ChangeReviewer:
    """Approve or reject proposed changes.

    A model that writes sees all proposals of a case in one request. Otherwise the items vote again among old and
    new descriptors: a change whose items mostly prefer another descriptor is rejected, so that one of two proposals
    for the same theme remains.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        text_of: TextOf,
        task: str = "",
        mode: AnswerMode = "written",
    ) -> None:
        self.mode = mode
        self.text_of = text_of
        template = SCORED_TEMPLATE if mode == "scored" else TEMPLATE
        self.asker = Asker("architect", model, prompts.get(template), task)

    async def review(self, cases: Sequence[Case]) -> list[Review]:
        """Review all cases concurrently; return reviews in order."""
        asked = [
            (place, request) for place, case in enumerate(cases) for request in self.build_requests(case)
        ]
        replies = await self.asker.model.answer([request for _, request in asked])
        answers: list[list[tuple[ModelRequest, ModelReply | ModelError]]] = [[] for _ in cases]
        for (place, request), reply in zip(asked, replies, strict=True):
            answers[place].append((request, reply))
        return [self.build_review(case, found) for case, found in zip(cases, answers, strict=True)]

    def build_requests(self, case: Case) -> list[ModelRequest]:
        """Build the requests of a case: one, or one per proposal if items vote."""
        if self.mode != "written":
            choices = self.build_choices(case)
            return [
                build_ballot(
                    self.asker,
                    cluster.voters,
                    choices,
                    scored=self.mode == "scored",
                )
                for cluster, _ in case.proposals
            ]
        variables = {
            "path": path_text(case.path),
            "options": describe_options(case.centres, range(len(case.centres))),
        }
        system, context = self.asker.render_shared(lambda: variables)
        text = "\n".join(
            f"{n}. {describe_proposal(*proposed)}" for n, proposed in enumerate(case.proposals, start=1)
        )
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

    def build_choices(self, case: Case) -> tuple[Choice, ...]:
        """Return the choices of a case's items: the descriptors, expanded as proposed, then the new ones."""
        wider: dict[int, tuple[str, ...]] = {}
        for cluster, change in case.proposals:
            if change.kind == "expand" and change.at is not None:
                wider[change.at] = (*wider.get(change.at, ()), *cluster.examples)
        options = [
            build_choice(at + 1, centre, [*map(self.text_of, centre.examples), *wider.get(at, ())])
            for at, centre in enumerate(case.centres)
        ]
        for cluster, change in case.proposals:
            if change.kind == "create" and change.centre is not None:
                options.append(build_choice(len(options) + 1, change.centre, cluster.examples))
        return tuple(options)

    def build_review(
        self, case: Case, answers: Sequence[tuple[ModelRequest, ModelReply | ModelError]]
    ) -> Review:
        """Build the review of a case from its replies."""
        errors = [reply for _, reply in answers if isinstance(reply, ModelError)]
        error = reduce(worse_error, errors) if errors else None
        verdicts = self.read_verdicts(case, answers)
        names = [centre.name for centre in case.centres]
        said = [f"{'approved' if yes else 'rejected'}: {why}" for yes, why in verdicts]
        shares = [said] if len(answers) == 1 else [[word] for word in said]
        decisions = tuple(
            build_decision(self.asker, f"review {case.key or 'root'}", request, reply, names, share)
            for (request, reply), share in zip(answers, shares, strict=True)
        )
        return Review(verdicts, decisions, error)

    def read_verdicts(
        self, case: Case, answers: Sequence[tuple[ModelRequest, ModelReply | ModelError]]
    ) -> tuple[Verdict, ...]:
        """Read verdicts from one reply, or from one per proposal; proposals without a reply are rejected."""
        if self.mode == "written":
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
            counted = count_votes(reply, request)
            won, cast = counted.get(own, 0), sum(counted.values())
            found.append((2 * won > cast, f"{won} of {cast} of its items fit it best"))
        return tuple(found)


def describe_proposal(cluster: UncoveredCluster, change: DescriptorChange) -> str:
    """Return a proposal as a prompt shows it."""
    assert change.centre is not None
    centre = change.centre
    verb = "Create" if change.kind == "create" else "Expand"
    about = f": {centre.description}" if centre.description else ""
    about += f" (includes: {'; '.join(centre.includes)})" if centre.includes else ""
    about += f" (excludes: {'; '.join(centre.excludes)})" if centre.excludes else ""
    why = f": {change.problem}" if change.problem else ""
    return f"{verb} {centre.name!r}{about} — for {cluster.size} items{why}"
