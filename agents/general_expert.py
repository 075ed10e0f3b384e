"""The general expert: choose and order labels from a shortlist (XMC-Agent 2.1, second stage)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.agents.asking import Answer, Asker, Question
from taxonaut.agents.support.shortlist_questions import questions
from taxonaut.agents.support.texts import label_text, path_text
from taxonaut.models.requests import Answers, Choice
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item, Label
from taxonaut.tools.rank_candidates import FIELD, rank_candidates_spec
from taxonaut.tools.support.offers import shuffle_options

TEMPLATE = "general_expert/rank"
SCORED_TEMPLATE = "general_expert/rank_scored"
"""For models that answer by the likelihood of the options' own texts."""


@dataclass(frozen=True, slots=True)
class ExpertSettings:
    """How a general expert looks at a shortlist.

    `most`: labels it may choose. `native`: the tree is the person's own, so that paths mean something.
    """

    task: str = ""
    most: int = 10
    native: bool = True
    seed: int = 0


class GeneralExpert:
    """Rank the candidates of an item."""

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        settings: ExpertSettings | None = None,
        template: str = TEMPLATE,
    ) -> None:
        self.settings = settings or ExpertSettings()
        self.asker = Asker("general_expert", model, prompts.get(template), self.settings.task)

    async def rank(
        self,
        shortlists: Sequence[tuple[Item, Sequence[LabelId]]],
        labels: Mapping[LabelId, Label],
        paths: Mapping[LabelId, Sequence[str]],
    ) -> list[Answer[LabelId]]:
        """Rank each item's candidates; an empty shortlist is left out of the answers.

        `labels` and `paths` cover every candidate; a path runs from the top down to the label's name.
        """
        pairs = questions(shortlists, lambda candidates: self.question(candidates, labels, paths))
        return await self.asker.ask(pairs)

    def question(
        self,
        candidates: Sequence[LabelId],
        labels: Mapping[LabelId, Label],
        paths: Mapping[LabelId, Sequence[str]],
    ) -> Question[LabelId]:
        """Write the shared part of a ranking: number the candidates, render them, bind the schema to them."""
        offer = shuffle_options(candidates, seed=self.settings.seed)
        most = min(self.settings.most, len(candidates))

        def variables() -> dict[str, Any]:
            options = [
                {
                    "id": number,
                    "name": labels[label].name,
                    "description": labels[label].description,
                    "path": path_text(paths.get(label) or (labels[label].name,)),
                    "examples": [],
                }
                for number, label in enumerate(offer.options, start=1)
            ]
            return {"options": options, "most": most}

        system, context = self.asker.render_shared(variables)
        choices = tuple(
            Choice(number, (label_text(labels[label], paths.get(label) or (), self.settings.native),))
            for number, label in enumerate(offer.options, start=1)
        )
        tool = rank_candidates_spec(len(candidates), most)
        return Question(None, offer, choices, tool, FIELD, most, system, context, sample=self.asker.sample)
