"""LangGraph state of `categorize`: recommendations, judgements and the category of each item."""

from dataclasses import dataclass
from typing import NotRequired

from typing_extensions import TypedDict

from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Categorized, Recommendation, Verdict
from taxonaut.state.records import Decision, Item

UNREACHABLE_THRESHOLD = 2.0
"""A threshold above any confidence: all items go to the general expert."""


@dataclass(frozen=True, slots=True)
class JudgedItem:
    """The general expert's judgement of one item, and its token cost.

    `verdict` is `general`, `none`, `undecided` or `failed`; the category is the first of `ranking`.
    """

    item_id: ItemId
    ranking: tuple[LabelId, ...]
    verdict: Verdict
    reason: str = ""
    error: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def label(self) -> LabelId | None:
        """The category it chose, if it chose one."""
        return self.ranking[0] if self.verdict == "general" and self.ranking else None


class CategorizeInput(TypedDict):
    """The input: items, and recommendations and judgements already known for some of them."""

    items: list[Item]
    recommended: NotRequired[dict[ItemId, Recommendation]]
    judged: NotRequired[dict[ItemId, JudgedItem]]


class CategorizeState(CategorizeInput, total=False):
    """A batch between the two experts; `decisions` are those of this batch only."""

    decisions: list[Decision]
    categorized: dict[ItemId, Categorized]
