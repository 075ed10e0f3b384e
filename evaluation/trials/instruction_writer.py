"""Rewrite an agent's instructions after what it got wrong: the reflective mutation of GEPA, by a role's model."""

from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.agents.asking import Asker
from taxonaut.models.requests import Answers
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ToolError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, Item
from taxonaut.tools.write.write_instructions import write_instructions, write_instructions_spec

TEMPLATE = "architect/improve_instructions"
LONGEST_MARK = 100


@dataclass(frozen=True, slots=True)
class Instructions:
    """What is to be rewritten: the instructions with marks, what each mark stands for, and the agent's duty.

    `most` is how many characters they may have, `cases` what came of them, in words.
    """

    name: str
    duty: str
    text: str
    marks: tuple[str, ...]
    most: int
    cases: str


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A proposed text, with the decision row; `text` is empty and `error` set if the model gave nothing usable."""

    text: str
    decision: Decision
    error: ModelError | ToolError | None = None


class InstructionWriter:
    """Rewrite instructions, one request a time."""

    def __init__(
        self, model: Answers, prompts: PromptLibrary, task: str = "", agent: str = "architect"
    ) -> None:
        self.asker = Asker(agent, model, prompts.get(TEMPLATE), task)

    async def rewrite(self, given: Instructions, problems: Sequence[str] = ()) -> Rewriting:
        """Rewrite instructions; `problems` say why former proposals were refused.

        Raises ModelNotFoundError if the model does not exist.
        """
        spec = write_instructions_spec(given.most)
        item = Item(ItemId(f"instructions {given.name}"), given.cases)
        (reply,) = await self.asker.ask_open(
            [item],
            spec,
            1,
            lambda: {
                "duty": given.duty,
                "instructions": given.text,
                "marks": [clip_mark(mark) for mark in given.marks],
                "problems": list(problems),
                "most": given.most,
            },
        )
        text, error = "", reply if isinstance(reply, ModelError) else None
        problem: ModelError | ToolError | None = error
        if not isinstance(reply, ModelError):
            try:
                text = write_instructions(reply.arguments)
            except ToolError as found:
                problem = found
        said = "" if problem is None else str(problem)
        decision = self.asker.build_open_decision(item, spec.name, (text,) if text else (), reply, said)
        return Rewriting(text, decision, problem)


def clip_mark(mark: str) -> str:
    """Return what a mark stands for in one line."""
    line = " ".join(mark.split())
    return line if len(line) <= LONGEST_MARK else f"{line[:LONGEST_MARK]} …"
