"""The annotator without a vocabulary: keywords for items in its own words (AgenticTagger 6.3, B.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.agents.asking import Asker
from taxonaut.models.requests import Answers, ModelReply
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ToolError
from taxonaut.state.records import Decision, Item
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
        tool = write_keywords_spec(self.most)
        replies = await self.asker.ask_open(items, tool, self.most, lambda: {"most": self.most})
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
        decision = self.asker.open_decision(item, tool, keywords, reply, "" if error is None else str(error))
        return Keywords(item, keywords, decision, error)
