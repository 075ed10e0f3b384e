"""Annotators' feedback: propose a change for each cluster of uncovered items (AgenticTagger 4.1.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.agents.architect import AnswerMode, clip_line
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
from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ToolError
from taxonaut.state.records import Decision
from taxonaut.tools.support.offers import shuffle_options
from taxonaut.tools.write.propose_change import DescriptorChange, propose_change, propose_change_spec

TEMPLATE = "annotator/propose_change"
SCORED_TEMPLATE = "annotator/propose_change_scored"
"""For models that score the options' texts by likelihood."""


@dataclass(frozen=True, slots=True)
class WrittenChange:
    """The change proposed for a cluster, or the error."""

    change: DescriptorChange
    decision: Decision
    error: ModelError | None = None


class ChangeWriter:
    """Propose changes for items that no descriptor fits.

    If the model writes no text, the items vote among the existing descriptors and a new one.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        text_of: TextOf,
        task: str = "",
        mode: AnswerMode = "written",
        seed: int = 0,
    ) -> None:
        self.mode = mode
        self.text_of = text_of
        self.seed = seed
        template = SCORED_TEMPLATE if mode == "scored" else TEMPLATE
        self.asker = Asker("annotator", model, prompts.get(template), task)

    async def write(self, clusters: Sequence[UncoveredCluster]) -> list[WrittenChange]:
        """Write a proposal for each cluster, concurrently; return them in order."""
        orders = [shuffle_options(range(len(cluster.centres)), self.seed).options for cluster in clusters]
        requests = [
            self.build_request(cluster, order) for cluster, order in zip(clusters, orders, strict=True)
        ]
        replies = await self.asker.model.answer(requests)
        return [
            self.read_reply(cluster, order, request, reply)
            for cluster, order, request, reply in zip(clusters, orders, requests, replies, strict=True)
        ]

    def build_request(self, cluster: UncoveredCluster, order: Sequence[int]) -> ModelRequest:
        """Build the request about a cluster."""
        if self.mode != "written":
            centres = [cluster.centres[at] for at in order]
            choices = [
                build_choice(number, centre, [self.text_of(item) for item in centre.examples])
                for number, centre in enumerate((*centres, cluster.suggestion), start=1)
            ]
            return build_ballot(self.asker, cluster.voters, tuple(choices), scored=self.mode == "scored")
        variables = {"path": path_text(cluster.path), "options": describe_options(cluster.centres, order)}
        system, context = self.asker.render_shared(lambda: variables)
        text = describe_cluster(cluster)
        return ModelRequest(
            system=system,
            context=context,
            item=self.asker.render_item(text),
            blank_item=self.asker.blank,
            text=text,
            tool=propose_change_spec(len(order)),
            field="",
            choices=(),
            most=1,
        )

    def read_reply(
        self,
        cluster: UncoveredCluster,
        order: Sequence[int],
        request: ModelRequest,
        reply: ModelReply | ModelError,
    ) -> WrittenChange:
        """Read a reply and build its decision row; a name that is not distinct makes the change `ignore`."""
        if isinstance(reply, ModelError):
            change = DescriptorChange("ignore", f"no proposal could be had: {reply}")
        else:
            try:
                change = self.read_change(cluster, order, request, reply)
            except ToolError as error:
                change = DescriptorChange("ignore", str(error))
        names = [cluster.centres[at].name for at in order]
        said: list[Any] = [change.kind, change.centre.name if change.centre else "", change.problem]
        decision = build_decision(
            self.asker,
            f"change {cluster.key or 'root'}: {cluster.suggestion.name}",
            request,
            reply,
            names,
            said,
        )
        return WrittenChange(change, decision, reply if isinstance(reply, ModelError) else None)

    def read_change(
        self, cluster: UncoveredCluster, order: Sequence[int], request: ModelRequest, reply: ModelReply
    ) -> DescriptorChange:
        """Read the change a model wrote or the items voted for."""
        parent = cluster.path[-1] if cluster.path else ""
        if self.mode == "written":
            return propose_change(reply.arguments, parent, cluster.centres, order)
        counted = count_votes(reply, request)
        number = max(counted, key=lambda choice: (counted[choice], -choice))
        problem = f"such as {clip_line(cluster.examples[0], 80)!r}"
        call = {"problem": problem, "change": "ignore", "name": "", "descriptor": 0}
        if number > len(order):
            call |= {"change": "create", "name": cluster.suggestion.name}
        elif number:
            call |= {"change": "expand", "descriptor": number}
        return propose_change(call, parent, cluster.centres, order)


def describe_cluster(cluster: UncoveredCluster) -> str:
    """Return a cluster as a prompt shows it: size, example items, annotators' reports."""
    lines = [f"{cluster.size} in all, such as:", *(f"- {clip_line(each)}" for each in cluster.examples)]
    if cluster.why:
        lines += ["Annotators said:", *(f"- {clip_line(word)}" for word in cluster.why)]
    return "\n".join(lines)
