"""The annotator without a vocabulary: keywords for items in its own words (AgenticTagger 6.3, B.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.agents.asking import Asker
from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ModelNotFoundError, ToolError
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.tools.write.write_keywords import write_keywords, write_keywords_spec

TEMPLATE = "annotator/keywords"
KEYWORDS = 3
"""Keywords of an item, as in the paper (B.3)."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """Keywords of one item, the most telling first. `error` is set where the request failed."""

    item: Item
    keywords: tuple[str, ...]
    decision: Decision
    error: ModelError | ToolError | None = None


class KeywordWriter:
    """Write up to `most` keywords for each item, one item to a request."""

    def __init__(self, model: Answers, prompts: PromptLibrary, task: str = "", most: int = KEYWORDS) -> None:
        self.asker = Asker("annotator", model, prompts.get(TEMPLATE), task)
        self.most = most

    async def write(self, items: Sequence[Item]) -> list[Keywords]:
        """Write keywords for each item, in order. A model that is not there raises ModelNotFoundError."""
        system, context = self.asker.render_shared(lambda: {"most": self.most})
        tool = write_keywords_spec(self.most)
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
        return [self.written(item, tool.name, reply) for item, reply in zip(items, replies, strict=True)]

    def written(self, item: Item, tool: str, reply: ModelReply | ModelError) -> Keywords:
        """Turn a reply into keywords and its decision row."""
        keywords: tuple[str, ...] = ()
        error: ModelError | ToolError | None = reply if isinstance(reply, ModelError) else None
        if not isinstance(reply, ModelError):
            try:
                keywords = tuple(write_keywords(reply.arguments, self.most))
            except ToolError as problem:
                error = problem
        decision = Decision(
            item_id=item.id,
            node_id=None,
            agent=self.asker.agent,
            template=self.asker.prompt.name,
            template_hash=self.asker.prompt.hash,
            model=self.asker.model.name,
            tool=tool,
            options=(),
            choice=keywords,
            usage=Usage() if isinstance(reply, ModelError) else reply.usage,
            error="" if error is None else str(error),
        )
        return Keywords(item, keywords, decision, error)
