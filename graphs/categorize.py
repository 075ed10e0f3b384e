"""Route items between a trained expert and a reasoning one (Dual-Expert 3.2 and 4.3.1; A.1, figure 5).

The domain expert recommends categories for the whole batch; the general expert then decides, in one go, on all items
whose confidence is below the threshold.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from taxonaut.agents.category_expert import CategoryText, Judgement
from taxonaut.agents.roles import Decides, Recommends
from taxonaut.graphs.progress import emit
from taxonaut.graphs.sync_bridge import step
from taxonaut.state.graph_states.categorize import CategorizeInput, CategorizeState, JudgedItem
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.recommendations import Categorized, Recommendation
from taxonaut.state.records import Item, distinct_items
from taxonaut.state.updates import ItemFinished

if TYPE_CHECKING:
    from langgraph.graph import StateGraph

TextsOf = Callable[[Sequence[LabelId]], "Mapping[LabelId, CategoryText]"]


def categorize(
    index: Index,
    domain: Recommends,
    general: Decides | None,
    texts_of: TextsOf,
    threshold: float,
) -> "StateGraph[CategorizeState, None, CategorizeInput, CategorizeState]":
    """Build the graph; compile it and invoke it with items, and recommendations and judgements already known.

    The output has `categorized` by item. An item goes to the general expert if its confidence is below `threshold`:
    none at 0, all at `UNREACHABLE_THRESHOLD`; without `general` none. An item without candidates goes nowhere: its
    verdict is `undecided`, its ranking empty. `texts_of` returns the texts of categories for the general expert.
    """
    from langgraph.graph import END, START, StateGraph

    steps = Steps(index, domain, general, texts_of, threshold)
    graph = StateGraph(CategorizeState, input_schema=CategorizeInput, output_schema=CategorizeState)
    graph.add_node("recommend", step(steps.recommend))
    graph.add_node("decide", step(steps.decide))
    graph.add_node("settle", step(steps.settle))
    graph.add_edge(START, "recommend")
    graph.add_conditional_edges("recommend", steps.after_recommend, ["decide", "settle"])
    graph.add_edge("decide", "settle")
    graph.add_edge("settle", END)
    return graph


class Steps:
    """The graph's nodes over the two experts; holds no state of a batch."""

    def __init__(
        self,
        index: Index,
        domain: Recommends,
        general: Decides | None,
        texts_of: TextsOf,
        threshold: float,
    ) -> None:
        self.index = index
        self.domain = domain
        self.general = general
        self.texts_of = texts_of
        self.threshold = threshold

    async def recommend(self, state: CategorizeState) -> CategorizeState:
        """Let the domain expert recommend categories for items without a recommendation."""
        known = state.get("recommended", {})
        todo = [item for item in distinct_items(state["items"]) if item.id not in known]
        found = await self.domain.recommend(todo) if todo else []
        return {  # type: ignore[typeddict-item]
            "recommended": known | {each.item_id: each for each, _ in found},
            "judged": state.get("judged", {}),
            "decisions": [decision for _, decision in found],
        }

    def after_recommend(self, state: CategorizeState) -> str:
        """Continue with the general expert if items are left for it."""
        return "decide" if self.undecided(state) else "settle"

    def needs_general(self, recommendation: Recommendation) -> bool:
        """Tell whether an item goes to the general expert."""
        return (
            self.general is not None
            and bool(recommendation.labels)
            and recommendation.confidence < self.threshold
        )

    def undecided(self, state: CategorizeState) -> list[Item]:
        """Return the items that wait for the general expert."""
        return [
            item
            for item in distinct_items(state["items"])
            if item.id not in state["judged"] and self.needs_general(state["recommended"][item.id])
        ]

    async def decide(self, state: CategorizeState) -> CategorizeState:
        """Let the general expert decide on all waiting items together."""
        assert self.general is not None
        todo = self.undecided(state)
        candidates = [state["recommended"][item.id].labels for item in todo]
        texts = self.texts_of(list(dict.fromkeys(label for labels in candidates for label in labels)))
        judgements = await self.general.decide(list(zip(todo, candidates, strict=True)), texts)
        fresh = {
            item.id: make_judged_item(item.id, each) for item, each in zip(todo, judgements, strict=True)
        }
        rows = [each.decision for each in judgements if each.decision is not None]
        return {  # type: ignore[typeddict-item]
            "judged": state["judged"] | fresh,
            "decisions": [*state["decisions"], *rows],
        }

    async def settle(self, state: CategorizeState) -> CategorizeState:
        """Give each item the category of the expert that decides on it."""
        settled = {
            item: (recommendation, state["judged"].get(item) if self.needs_general(recommendation) else None)
            for item, recommendation in ((item.id, state["recommended"][item.id]) for item in state["items"])
        }
        chosen = {item: choose_category(*known) for item, known in settled.items()}
        paths = self.index.paths_of([label for label in dict.fromkeys(chosen.values()) if label is not None])
        ways: dict[LabelId | None, tuple[str, ...]] = {
            label: (found or [()])[0] for label, found in paths.items()
        }
        categorized = {
            item: make_categorized(recommendation, judged, chosen[item], ways.get(chosen[item], ()))
            for item, (recommendation, judged) in settled.items()
        }
        for each in categorized.values():
            emit(finished_update(each))
        return {"categorized": categorized}  # type: ignore[typeddict-item]


def make_judged_item(item: ItemId, judgement: Judgement) -> JudgedItem:
    """Return the part of a judgement that is stored."""
    decision = judgement.decision
    usage = decision.usage if decision is not None else None
    return JudgedItem(
        item,
        judgement.ranking,
        judgement.verdict,
        judgement.reason,
        decision.error if decision is not None else "",
        usage.prompt_tokens if usage is not None else 0,
        usage.completion_tokens if usage is not None else 0,
    )


def choose_category(recommendation: Recommendation, judged: JudgedItem | None) -> LabelId | None:
    """Return an item's category: if the general expert was asked, its choice alone counts."""
    if judged is not None:
        return judged.label
    return recommendation.labels[0] if recommendation.labels else None


def make_categorized(
    recommendation: Recommendation, judged: JudgedItem | None, label: LabelId | None, path: tuple[str, ...]
) -> Categorized:
    """Return an item's category with the recommendation and judgement behind it."""
    item = recommendation.item_id
    if judged is not None:
        return Categorized(
            item, label, path, judged.verdict, recommendation, judged.ranking, judged.reason, judged.error
        )
    return Categorized(item, label, path, "domain" if label is not None else "undecided", recommendation)


def finished_update(result: Categorized) -> ItemFinished:
    """Return the update for a categorized item."""
    labels = () if result.label_id is None else (result.label_id,)
    confidence = result.recommended.confidence
    return ItemFinished(result.item_id, labels, result.path, confidence, result.verdict, result.error)
