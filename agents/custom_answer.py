"""Decisions without a model: what an agent of a person's own answers, with the row that is kept of it."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from taxonaut.agents.asking import Answer, Question
from taxonaut.state.ids import NodeId
from taxonaut.state.records import Decision, Item, ToolSpec, Usage
from taxonaut.tools.support.offers import Offer

T = TypeVar("T", bound=int | str)


def custom_answer(
    agent: str,
    item: Item,
    options: Sequence[T],
    scores: Mapping[T, float],
    node: NodeId | None = None,
    reason: str = "",
) -> Answer[T]:
    """Return the answer of an agent that chose `scores` among `options`, best first; none of them is an abstention.

    `agent` is its name in the decision rows. `node` is the node whose branches were on offer. What is not among the
    options is left out.
    """
    chosen = tuple(sorted((each for each in options if each in scores), key=lambda each: -scores[each]))
    found = tuple(float(scores[each]) for each in chosen)
    offer = Offer(tuple(options), 0)
    tool = ToolSpec(agent, "", {})
    question = Question(node, offer, (), tool, "", len(offer.options), "", "")
    decision = Decision(
        item_id=item.id,
        node_id=node,
        agent=agent,
        template="",
        template_hash="",
        model=agent,
        tool=agent,
        options=tuple(map(str, offer.options)),
        choice=tuple(map(str, chosen)),
        scores=tuple(round(float(scores.get(each, 0.0)), 4) for each in offer.options),
        usage=Usage(),
    )
    return Answer(item, question, chosen, found, ("",) * len(chosen), reason, decision)
