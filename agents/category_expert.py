"""General expert on categories: reason about a trained expert's candidates (Dual-Expert 3.2, figure 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from taxonaut.agents.asking import Answer, Asker, Question
from taxonaut.agents.general_expert import SCORED_TEMPLATE
from taxonaut.agents.support.shortlist_questions import build_questions
from taxonaut.agents.support.texts import PATH_SEPARATOR, path_text
from taxonaut.models.requests import Answers, Choice
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Decision, Item
from taxonaut.tools.choose_category import FIELD, Ask, choose_category_spec
from taxonaut.tools.support.offers import shuffle_options

Shown = Literal["leaf", "path", "name", "definition"]
"""How a category is shown: its own name, its path, a descriptive name, or that with a definition (figure 3b)."""

TEMPLATES: dict[Ask, str] = {
    "choose": "general_expert/choose",
    "rank": "general_expert/order",
    "think": "general_expert/think",
}
ROOM: dict[Ask, int] = {"choose": 160, "rank": 220, "think": 420}
"""Maximum tokens of an answer: the numbers and the reason."""

LONGEST_KEPT = 2_000
"""Maximum characters kept of a reason, for models that ignore the schema."""


@dataclass(frozen=True, slots=True)
class CategoryText:
    """Texts of a category. `path` runs from the root to `name`; `title` is the descriptive name."""

    name: str
    path: tuple[str, ...]
    title: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The general expert's judgement of one item.

    `ranking` holds candidates, best first, and is empty unless the verdict is `general`. `none`: no candidate fits.
    `undecided`: the text says too little. `failed`: no valid answer; the decision has the error. Without candidates
    no request is made: the verdict is `none`, the decision None.
    """

    item: Item
    ranking: tuple[LabelId, ...]
    verdict: Literal["general", "none", "undecided", "failed"]
    reason: str
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class CategorySettings:
    """Settings of requests about categories; `seed` shuffles the candidates."""

    task: str = ""
    shown: Shown = "path"
    ask: Ask = "rank"
    seed: int = 0


class CategoryExpert:
    """Decide which of its candidate categories a product belongs to.

    `scored`: the model scores the options' texts by likelihood, with a prompt of its own.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        settings: CategorySettings | None = None,
        *,
        scored: bool = False,
    ) -> None:
        self.settings = settings or CategorySettings()
        template = SCORED_TEMPLATE if scored else TEMPLATES[self.settings.ask]
        self.asker = Asker("general_expert", model, prompts.get(template), self.settings.task)

    async def decide(
        self,
        asked: Sequence[tuple[Item, Sequence[LabelId]]],
        categories: Mapping[LabelId, CategoryText],
    ) -> list[Judgement]:
        """Judge each item's candidates, in order; `categories` must hold every candidate."""
        pairs = build_questions(asked, partial(self.build_question, categories))
        answers = iter(await self.asker.ask(pairs))
        return [
            read_judgement(next(answers)) if candidates else Judgement(item, (), "none", "", None)
            for item, candidates in asked
        ]

    def build_question(
        self, categories: Mapping[LabelId, CategoryText], candidates: Sequence[LabelId]
    ) -> Question[LabelId]:
        """Build the question about some candidates: number and render them, bind the schema to them."""
        offer = shuffle_options(candidates, seed=self.settings.seed)
        most = 1 if self.settings.ask == "choose" else len(candidates)
        shown = [describe_category(categories[label], self.settings.shown) for label in offer.options]

        def variables() -> dict[str, Any]:
            options = [
                {"id": number, "name": name, "description": definition, "path": "", "examples": []}
                for number, (name, definition) in enumerate(shown, start=1)
            ]
            return {"options": options, "most": most}

        system, context = self.asker.render_shared(variables)
        choices = tuple(
            Choice(number, (comparison_text(name, definition),), key=label)
            for number, (label, (name, definition)) in enumerate(
                zip(offer.options, shown, strict=True), start=1
            )
        )
        tool = choose_category_spec(self.settings.ask, len(candidates), most)
        return Question(
            None,
            offer,
            choices,
            tool,
            FIELD,
            most,
            system,
            context,
            may_be_undecided=True,
            sample=self.asker.sample,
        )


def describe_category(category: CategoryText, shown: Shown) -> tuple[str, str]:
    """Return a category's name and definition, each on one line, as the setting `shown` says."""
    if shown == "leaf":
        return one_line(category.name), ""
    if shown == "path":
        return one_line(path_text(category.path)) or one_line(category.name), ""
    title = one_line(category.title) or one_line(category.name)
    return title, one_line(category.definition) if shown == "definition" else ""


def comparison_text(name: str, definition: str) -> str:
    """Return the text that encoders compare; a definition must not look like a path."""
    return f"{name}: {definition.replace(PATH_SEPARATOR, ' / ')}" if definition else name


def one_line(text: str) -> str:
    """Return a text on one line, so that it cannot imitate further options."""
    return " ".join(text.split())


def read_judgement(answer: Answer[LabelId]) -> Judgement:
    """Convert an answer to a judgement."""
    reason = answer.reason.strip()[:LONGEST_KEPT]
    if answer.decision.error:
        return Judgement(answer.item, (), "failed", reason, answer.decision)
    if answer.chosen:
        return Judgement(answer.item, answer.chosen, "general", reason, answer.decision)
    return Judgement(answer.item, (), "undecided" if answer.undecided else "none", reason, answer.decision)
