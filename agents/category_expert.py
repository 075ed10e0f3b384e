"""The general expert before the candidates of a trained one: reason about which fits (Dual-Expert 3.2, figure 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from taxonaut.agents.asking import Answer, Asker, Question
from taxonaut.agents.general_expert import SCORED_TEMPLATE
from taxonaut.agents.support.shortlist_questions import questions
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
"""Tokens of an answer to each: the numbers, and the reason."""

LONGEST_KEPT = 2_000
"""Characters of a reason that are kept, should a model not hold to its schema."""


@dataclass(frozen=True, slots=True)
class CategoryText:
    """What a category may be shown as. `path` runs from the top down to `name`; `title` is the descriptive name."""

    name: str
    path: tuple[str, ...]
    title: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the general expert found for one item.

    `ranking` holds candidates, best first, and is empty unless the verdict is `general`. `none`: none of the
    candidates fits. `undecided`: the text says too little. `failed`: the model gave no valid answer; the
    decision has the error. Without candidates nothing was asked: `none`, and no decision.
    """

    item: Item
    ranking: tuple[LabelId, ...]
    verdict: Literal["general", "none", "undecided", "failed"]
    reason: str
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class CategorySettings:
    """How the general expert is asked about categories; `seed` decides the order in which they stand."""

    task: str = ""
    shown: Shown = "path"
    ask: Ask = "rank"
    seed: int = 0


class CategoryExpert:
    """Decide to which of its candidates a product belongs.

    `scored`: the model answers by the likelihood of the options' own texts, and reads another prompt.
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
        """Decide for each item among its candidates, in order; `categories` cover every candidate."""
        pairs = questions(asked, partial(self.question, categories))
        answers = iter(await self.asker.ask(pairs))
        return [
            judged(next(answers)) if candidates else Judgement(item, (), "none", "", None)
            for item, candidates in asked
        ]

    def question(
        self, categories: Mapping[LabelId, CategoryText], candidates: Sequence[LabelId]
    ) -> Question[LabelId]:
        """Write the shared part of a request: number the candidates, render them, bind the schema to them."""
        offer = shuffle_options(candidates, seed=self.settings.seed)
        most = 1 if self.settings.ask == "choose" else len(candidates)
        shown = [shown_as(categories[label], self.settings.shown) for label in offer.options]

        def variables() -> dict[str, Any]:
            options = [
                {"id": number, "name": name, "description": definition, "path": "", "examples": []}
                for number, (name, definition) in enumerate(shown, start=1)
            ]
            return {"options": options, "most": most}

        system, context = self.asker.render_shared(variables)
        choices = tuple(
            Choice(number, (compared(name, definition),))
            for number, (name, definition) in enumerate(shown, start=1)
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


def shown_as(category: CategoryText, shown: Shown) -> tuple[str, str]:
    """Return a category's name and definition, each on one line, as a setting shows them."""
    if shown == "leaf":
        return line(category.name), ""
    if shown == "path":
        return line(path_text(category.path)) or line(category.name), ""
    title = line(category.title) or line(category.name)
    return title, line(category.definition) if shown == "definition" else ""


def compared(name: str, definition: str) -> str:
    """Return what models compare that read no prompt; a path within a definition does not make the whole a path."""
    return f"{name}: {definition.replace(PATH_SEPARATOR, ' / ')}" if definition else name


def line(text: str) -> str:
    """Return a text on one line, so that it cannot pass for further options."""
    return " ".join(text.split())


def judged(answer: Answer[LabelId]) -> Judgement:
    """Turn an answer into a judgement."""
    reason = answer.reason.strip()[:LONGEST_KEPT]
    if answer.decision.error:
        return Judgement(answer.item, (), "failed", reason, answer.decision)
    if answer.chosen:
        return Judgement(answer.item, answer.chosen, "general", reason, answer.decision)
    return Judgement(answer.item, (), "undecided" if answer.undecided else "none", reason, answer.decision)
