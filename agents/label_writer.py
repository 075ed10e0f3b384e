"""The label writer: say in its own words what a text's labels might be (ICXML, Zhu & Zamani 2023, step 1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.agents.asking import Asker
from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ModelNotFoundError, ToolError
from taxonaut.state.ids import RunId
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.tools.write_labels import write_labels, write_labels_spec

TEMPLATE = "label_writer/write"


@dataclass(frozen=True, slots=True)
class Written:
    """Approximate labels of one item, best first; none where the request failed."""

    item: Item
    labels: tuple[str, ...]
    decision: Decision


class LabelWriter:
    """Write approximate labels. `like` are names of labels that show what the label set sounds like."""

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        task: str = "",
        like: Sequence[str] = (),
        most: int = 10,
    ) -> None:
        self.asker = Asker("label_writer", model, prompts.get(TEMPLATE), task)
        self.like = list(like)
        self.most = most

    async def write(self, run: RunId, items: Sequence[Item]) -> list[Written]:
        """Write labels for each item, in order. A model that is not there raises ModelNotFoundError."""
        system, context = self.asker.render_shared(lambda: {"like": self.like, "most": self.most})
        tool = write_labels_spec(self.most)
        requests = [
            ModelRequest(
                system=system,
                context=context,
                item=self.asker.render_item(item.text),
                blank_item=self.asker.blank,
                text=item.text,
                tool=tool,
                field="",
                choices=(),
                most=self.most,
            )
            for item in items
        ]
        replies = await self.asker.model.answer(requests)
        for reply in replies:
            if isinstance(reply, ModelNotFoundError):
                raise reply
        return [self.written(run, item, tool.name, reply) for item, reply in zip(items, replies, strict=True)]

    def written(self, run: RunId, item: Item, tool: str, reply: ModelReply | ModelError) -> Written:
        """Turn a reply into labels and its decision row."""
        labels: list[str] = []
        error = str(reply) if isinstance(reply, ModelError) else ""
        if not isinstance(reply, ModelError):
            try:
                labels = write_labels(reply.arguments, self.most)
            except ToolError as problem:
                error = str(problem)
        decision = Decision(
            run_id=run,
            item_id=item.id,
            node_id=None,
            agent=self.asker.agent,
            template=self.asker.prompt.name,
            template_hash=self.asker.prompt.hash,
            model=self.asker.model.name,
            tool=tool,
            options=(),
            choice=tuple(labels),
            usage=Usage() if isinstance(reply, ModelError) else reply.usage,
            error=error,
        )
        return Written(item, tuple(labels), decision)
