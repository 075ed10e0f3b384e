"""General expert as a writer: define categories from products in them (Dual-Expert 3.2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.agents.asking import Asker
from taxonaut.agents.support.texts import path_text
from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ModelNotFoundError, ToolError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.tools.write.write_definition import WrittenDefinition, write_definition, write_definition_spec

TEMPLATE = "general_expert/define"
RARE = 3
"""Categories with fewer products are rare."""

NO_PRODUCTS = "- (none)"


@dataclass(frozen=True, slots=True)
class Subject:
    """A category to define: path, names of its siblings, and products in it with the texts to show."""

    label: LabelId
    path: tuple[str, ...]
    siblings: tuple[str, ...]
    examples: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class DefinitionResult:
    """The definition of a category; `words` is None and `error` set if the model gave nothing usable."""

    subject: Subject
    words: WrittenDefinition | None
    decision: Decision
    error: ModelError | ToolError | None = None


class DefinitionWriter:
    """Write a descriptive name and a definition for each category, one request each."""

    def __init__(self, model: Answers, prompts: PromptLibrary, task: str = "") -> None:
        self.asker = Asker("general_expert", model, prompts.get(TEMPLATE), task)

    async def write(self, subjects: Sequence[Subject]) -> list[DefinitionResult]:
        """Define each category, in order. Raises ModelNotFoundError if the model does not exist."""
        replies = await self.asker.model.answer([self.build_request(subject) for subject in subjects])
        for reply in replies:
            if isinstance(reply, ModelNotFoundError):
                raise reply
        return [self.read_reply(subject, reply) for subject, reply in zip(subjects, replies, strict=True)]

    def build_request(self, subject: Subject) -> ModelRequest:
        """Build the request about a category."""
        system, context = self.asker.render_shared(
            lambda: {
                "path": path_text(subject.path),
                "siblings": list(subject.siblings),
                "rare": len(subject.examples) < RARE,
            }
        )
        listed = "\n".join(f"- {example.text}" for example in subject.examples) or NO_PRODUCTS
        return ModelRequest(
            system=system,
            context=context,
            item=self.asker.render_item(listed),
            blank_item=self.asker.blank,
            text=listed,
            tool=write_definition_spec(),
            field="",
            choices=(),
            most=1,
        )

    def read_reply(self, subject: Subject, reply: ModelReply | ModelError) -> DefinitionResult:
        """Read a reply and build its decision row."""
        words: WrittenDefinition | None = None
        error: ModelError | ToolError | None = reply if isinstance(reply, ModelError) else None
        if not isinstance(reply, ModelError):
            try:
                words = write_definition(reply.arguments)
            except ToolError as problem:
                error = problem
        decision = Decision(
            item_id=ItemId(f"category {subject.label}"),
            node_id=None,
            agent=self.asker.agent,
            template=self.asker.prompt.name,
            template_hash=self.asker.prompt.hash,
            model=self.asker.model.name,
            tool=write_definition_spec().name,
            options=tuple(example.id for example in subject.examples),
            choice=() if words is None else tuple(words),
            usage=Usage() if isinstance(reply, ModelError) else reply.usage,
            transcript=reply.transcript,
            error="" if error is None else str(error),
        )
        return DefinitionResult(subject, words, decision, error)
