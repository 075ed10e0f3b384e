"""Learn from labelled items in rounds: walk, mark, make examples, adapt, gate, and again (XMC-Agent 2.3).

Each round walks with what the round before it learned, so that its errors become hard negatives. A version is made
of the best round at the end.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from taxonaut.graphs.progress import emit
from taxonaut.graphs.sync_bridge import step
from taxonaut.state.graph_states.learn import LearningRound, LearnInput, LearnState, WalkMarks
from taxonaut.state.updates import Progress

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


STAGE = "learning rounds"


class Learns(Protocol):
    """What the steps of a round do. Each keeps what it made, so that a killed run repeats no finished one."""

    async def walk(self, number: int) -> None:
        """Walk labelled items with what the round before learned; in round 1 with what is in use."""

    async def mark(self, number: int) -> WalkMarks:
        """Mark the walks of a round: hit, error, miss."""

    async def collect(self, number: int) -> int:
        """Make the examples of a round; return how many."""

    async def adapt(self, number: int) -> Mapping[str, Any]:
        """Let the learners learn from the examples; return what each says of itself."""

    async def gate(self, number: int, marks: WalkMarks, learners: Mapping[str, Any]) -> LearningRound:
        """Measure what was learned on items and labels that it was not learned from."""

    async def propose(self, finished: list[LearningRound]) -> int:
        """Learn the best round's settings from everything, and return the number of the version."""


def learn(steps: Learns) -> "StateGraph[LearnState, None, LearnInput, LearnState]":
    """Build the graph; compile it and invoke it with the number of rounds. The output has the rounds and the version.

    It ends before the last round if a round's walks made no error and missed nothing.
    """
    from langgraph.graph import END, START, StateGraph

    nodes = Steps(steps)
    graph = StateGraph(LearnState, input_schema=LearnInput, output_schema=LearnState)
    graph.add_node("walk", step(nodes.walk))
    graph.add_node("mark", step(nodes.mark))
    graph.add_node("examples", step(nodes.collect))
    graph.add_node("adapt", step(nodes.adapt))
    graph.add_node("gate", step(nodes.gate))
    graph.add_node("propose", step(nodes.propose))
    graph.add_edge(START, "walk")
    graph.add_edge("walk", "mark")
    graph.add_edge("mark", "examples")
    graph.add_edge("examples", "adapt")
    graph.add_edge("adapt", "gate")
    graph.add_conditional_edges("gate", nodes.after_gate, ["walk", "propose"])
    graph.add_edge("propose", END)
    return graph


class Steps:
    """The graph's nodes; the state of the learning is with `steps`."""

    def __init__(self, steps: Learns) -> None:
        self.steps = steps

    async def walk(self, state: LearnState) -> LearnState:
        """Begin a round with its walks."""
        number = state.get("round", 0) + 1
        await self.steps.walk(number)
        return {"round": number}  # type: ignore[typeddict-item]

    async def mark(self, state: LearnState) -> LearnState:
        """Mark the walks."""
        return {"marks": await self.steps.mark(state["round"])}  # type: ignore[typeddict-item]

    async def collect(self, state: LearnState) -> LearnState:
        """Make the examples."""
        return {"examples": await self.steps.collect(state["round"])}  # type: ignore[typeddict-item]

    async def adapt(self, state: LearnState) -> LearnState:
        """Let the learners learn."""
        return {"learners": await self.steps.adapt(state["round"])}  # type: ignore[typeddict-item]

    async def gate(self, state: LearnState) -> LearnState:
        """Measure the round."""
        done = await self.steps.gate(state["round"], state["marks"], state["learners"])
        emit(Progress(STAGE, done.number, state["rounds"]))
        return {"finished": [*state.get("finished", []), done]}  # type: ignore[typeddict-item]

    def after_gate(self, state: LearnState) -> str:
        """Go on while there are rounds left and mistakes to learn from."""
        marks = state["marks"]
        wrong = marks.errors + marks.misses or not marks.items
        return "walk" if state["round"] < state["rounds"] and wrong else "propose"

    async def propose(self, state: LearnState) -> LearnState:
        """Make the version."""
        return {"version": await self.steps.propose(state["finished"])}  # type: ignore[typeddict-item]
