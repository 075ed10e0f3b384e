"""The state of a categorization as LangGraph carries it: what is known of each item, and what came of it."""

from dataclasses import dataclass
from typing import NotRequired, TypedDict

from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Categorized, Recommendation, Verdict
from taxonaut.state.records import Decision, Item

UNREACHABLE_THRESHOLD = 2.0
"""A threshold that no confidence reaches: all items go to the general expert."""


@dataclass(frozen=True, slots=True)
class JudgedItem:
    """What the general expert said of one item, and the tokens that took.

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
    """What a caller gives: the items, and perhaps what is known of some of them from before."""

    items: list[Item]
    recommended: NotRequired[dict[ItemId, Recommendation]]
    judged: NotRequired[dict[ItemId, JudgedItem]]


class CategorizeState(CategorizeInput, total=False):
    """A batch on its way through the two experts; `decisions` are those of this batch alone."""

    decisions: list[Decision]
    categorized: dict[ItemId, Categorized]
