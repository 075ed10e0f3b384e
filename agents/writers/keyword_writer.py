"""Annotator without a vocabulary: free keywords for items (AgenticTagger 6.3, B.3)."""

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
"""Keywords per item, as in the paper (B.3)."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """Keywords of one item, most important first. `error` is set if the request failed."""

    item: Item
    keywords: tuple[str, ...]
    decision: Decision
    error: ModelError | ToolError | None = None


class KeywordWriter:
    """Write up to `most` keywords for each item, one request each."""

    def __init__(self, model: Answers, prompts: PromptLibrary, task: str = "", most: int = KEYWORDS) -> None:
        self.asker = Asker("annotator", model, prompts.get(TEMPLATE), task)
        self.most = most

    async def write(self, items: Sequence[Item]) -> list[Keywords]:
        """Write keywords for each item, in order. Raises ModelNotFoundError if the model does not exist."""
        tool = write_keywords_spec(self.most)
        replies = await self.asker.ask_open(items, tool, self.most, lambda: {"most": self.most})
        return [self.read_reply(item, tool.name, reply) for item, reply in zip(items, replies, strict=True)]

    def read_reply(self, item: Item, tool: str, reply: ModelReply | ModelError) -> Keywords:
        """Read a reply and build its decision row."""
        keywords: tuple[str, ...] = ()
        error: ModelError | ToolError | None = reply if isinstance(reply, ModelError) else None
        if not isinstance(reply, ModelError):
            try:
                keywords = tuple(write_keywords(reply.arguments, self.most))
            except ToolError as problem:
                error = problem
        decision = self.asker.build_open_decision(
            item, tool, keywords, reply, "" if error is None else str(error)
        )
        return Keywords(item, keywords, decision, error)
