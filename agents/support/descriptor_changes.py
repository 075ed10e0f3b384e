"""Requests, votes and decisions about changes to a set of descriptors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.agents.architect import clip_line
from taxonaut.agents.asking import Asker
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.state.errors import ModelError
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, ToolSpec, Usage
from taxonaut.tools.support.offers import choice_schema

CHOSEN = "descriptor"

VOTERS = 16
"""Maximum items of a cluster that vote."""


@dataclass(frozen=True, slots=True)
class UncoveredCluster:
    """A cluster of a group's items that no descriptor fits.

    `key` and `path` are the group's, `centres` its descriptors. `examples` are representative texts of the `size`
    items, `voters` texts of others. `suggestion` is a name from word statistics, `why` the annotators' reports.
    """

    key: str
    path: tuple[str, ...]
    centres: tuple[Centre, ...]
    size: int
    examples: tuple[str, ...]
    voters: tuple[str, ...]
    suggestion: Centre
    why: tuple[str, ...] = ()


def describe_options(centres: Sequence[Centre], order: Sequence[int]) -> list[dict[str, Any]]:
    """Return descriptors as a prompt lists them, in the given order."""
    return [
        {
            "id": number,
            "name": centres[at].name,
            "description": centres[at].description,
            "path": "",
            "examples": [],
            "includes": list(centres[at].includes),
            "excludes": list(centres[at].excludes),
        }
        for number, at in enumerate(order, start=1)
    ]


def build_choice(number: int, centre: Centre, examples: Sequence[str]) -> Choice:
    """Return a descriptor as a choice of a model that compares texts."""
    return Choice(number, (centre.name, *examples, *centre.includes))


def build_ballot(
    asker: Asker, voters: Sequence[str], choices: tuple[Choice, ...], *, scored: bool
) -> ModelRequest:
    """Build the request in which items vote among descriptors: each separately, or as one text if `scored`."""
    system, context = asker.render_shared(dict)
    text = "; ".join(clip_line(voter) for voter in voters[:4]) if scored else ""
    schema = choice_schema(CHOSEN, len(choices), 1, "the descriptor that fits best")
    return ModelRequest(
        system=system,
        context=context,
        item=asker.render_item(text),
        blank_item=asker.blank,
        text=text,
        tool=ToolSpec("assign_label", "Choose the descriptor that fits items best.", schema),
        field=CHOSEN if scored else "",
        choices=choices,
        most=1,
        texts=() if scored else tuple(voters),
    )


def count_votes(reply: ModelReply, request: ModelRequest) -> dict[int, int]:
    """Count the votes for each choice; 0 is none of them."""
    found: dict[int, int] = {}
    for chosen in reply.each if request.texts else (reply.chosen,):
        number = chosen[0] if chosen else 0
        found[number] = found.get(number, 0) + 1
    return found


def build_decision(
    asker: Asker,
    item: str,
    request: ModelRequest,
    reply: ModelReply | ModelError,
    options: Sequence[str],
    choice: Sequence[str],
) -> Decision:
    """Build the decision row of a request about changes."""
    return Decision(
        item_id=ItemId(item),
        node_id=None,
        agent=asker.agent,
        template=asker.prompt.name,
        template_hash=asker.prompt.hash,
        model=asker.model.name,
        tool=request.tool.name,
        options=tuple(options),
        choice=tuple(choice),
        usage=reply.usage if isinstance(reply, ModelReply) else Usage(),
        error=str(reply) if isinstance(reply, ModelError) else "",
        transcript=reply.transcript,
    )
