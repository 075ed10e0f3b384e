"""Annotators' feedback: a change proposal for each cluster of items that fit nothing (AgenticTagger 4.1.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.agents.architect import Manner, shown
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
from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ToolError
from taxonaut.state.records import Decision
from taxonaut.tools.support.offers import shuffle_options
from taxonaut.tools.write.propose_change import DescriptorChange, propose_change, propose_change_spec

TEMPLATE = "annotator/propose_change"
SCORED_TEMPLATE = "annotator/propose_change_scored"
"""For models that answer by the likelihood of the options' own texts."""


@dataclass(frozen=True, slots=True)
class WrittenChange:
    """What became of a cluster: a change, or why there is none."""

    change: DescriptorChange
    decision: Decision
    error: ModelError | None = None


class ChangeWriter:
    """Say what to do about items that fit nothing.

    Where a model writes no prose, the items choose among the descriptors there are and a new one.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        text_of: TextOf,
        task: str = "",
        manner: Manner = "written",
        seed: int = 0,
    ) -> None:
        self.manner = manner
        self.text_of = text_of
        self.seed = seed
        template = SCORED_TEMPLATE if manner == "scored" else TEMPLATE
        self.asker = Asker("annotator", model, prompts.get(template), task)

    async def write(self, clusters: Sequence[Uncovered]) -> list[WrittenChange]:
        """Write a proposal for each cluster, all in flight together, in order."""
        orders = [shuffle_options(range(len(cluster.centres)), self.seed).options for cluster in clusters]
        requests = [self.request(cluster, order) for cluster, order in zip(clusters, orders, strict=True)]
        replies = await self.asker.model.answer(requests)
        return [
            self.written(cluster, order, request, reply)
            for cluster, order, request, reply in zip(clusters, orders, requests, replies, strict=True)
        ]

    def request(self, cluster: Uncovered, order: Sequence[int]) -> ModelRequest:
        """Write the request about one cluster."""
        if self.manner != "written":
            centres = [cluster.centres[at] for at in order]
            choices = [
                choice_of(number, centre, [self.text_of(item) for item in centre.examples])
                for number, centre in enumerate((*centres, cluster.suggestion), start=1)
            ]
            return ballot(self.asker, cluster.voters, tuple(choices), scored=self.manner == "scored")
        variables = {"path": path_text(cluster.path), "options": option_texts(cluster.centres, order)}
        system, context = self.asker.render_shared(lambda: variables)
        text = described(cluster)
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

    def written(
        self,
        cluster: Uncovered,
        order: Sequence[int],
        request: ModelRequest,
        reply: ModelReply | ModelError,
    ) -> WrittenChange:
        """Turn a reply into a change and its decision row; a name that tells nothing apart makes it nothing."""
        if isinstance(reply, ModelError):
            change = DescriptorChange("ignore", f"no proposal could be had: {reply}")
        else:
            try:
                change = self.change(cluster, order, request, reply)
            except ToolError as error:
                change = DescriptorChange("ignore", str(error))
        names = [cluster.centres[at].name for at in order]
        said: list[Any] = [change.kind, change.centre.name if change.centre else "", change.problem]
        decision = decision_of(
            self.asker,
            f"change {cluster.key or 'root'}: {cluster.suggestion.name}",
            request,
            reply,
            names,
            said,
        )
        return WrittenChange(change, decision, reply if isinstance(reply, ModelError) else None)

    def change(
        self, cluster: Uncovered, order: Sequence[int], request: ModelRequest, reply: ModelReply
    ) -> DescriptorChange:
        """Read what a model wrote, or what the items chose."""
        parent = cluster.path[-1] if cluster.path else ""
        if self.manner == "written":
            return propose_change(reply.arguments, parent, cluster.centres, order)
        counted = votes(reply, request)
        number = max(counted, key=lambda choice: (counted[choice], -choice))
        told = f"such as {shown(cluster.examples[0], 80)!r}"
        call = {"problem": told, "change": "ignore", "name": "", "descriptor": 0}
        if number > len(order):
            call |= {"change": "create", "name": cluster.suggestion.name}
        elif number:
            call |= {"change": "expand", "descriptor": number}
        return propose_change(call, parent, cluster.centres, order)


def described(cluster: Uncovered) -> str:
    """A cluster as a prompt shows it: how many items, some of them, what annotators said."""
    lines = [f"{cluster.size} in all, such as:", *(f"- {shown(each)}" for each in cluster.examples)]
    if cluster.why:
        lines += ["Annotators said:", *(f"- {shown(word)}" for word in cluster.why)]
    return "\n".join(lines)
