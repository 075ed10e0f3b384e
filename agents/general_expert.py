"""General expert: choose and rank labels of a shortlist (XMC-Agent 2.1, second stage)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.agents.asking import Answer, Asker, Question
from taxonaut.agents.support.demonstrations import Demonstrations
from taxonaut.agents.support.shortlist_questions import build_questions
from taxonaut.agents.support.texts import label_option, path_text, tell_apart
from taxonaut.models.requests import Answers, Choice
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item, Label
from taxonaut.tools.rank_candidates import FIELD, rank_candidates_spec
from taxonaut.tools.support.offers import shuffle_options

TEMPLATE = "general_expert/rank"
SCORED_TEMPLATE = "general_expert/rank_scored"
"""For models that score the options' texts by likelihood."""


@dataclass(frozen=True, slots=True)
class ExpertSettings:
    """General expert settings.

    `most`: maximum number of labels chosen. `native`: the tree is the user's own, so its paths are meaningful.
    """

    task: str = ""
    most: int = 10
    native: bool = True
    seed: int = 0


class GeneralExpert:
    """Rank the candidate labels of items. `demonstrations` are labelled texts, for a template that shows them."""

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        settings: ExpertSettings | None = None,
        template: str = TEMPLATE,
        demonstrations: Demonstrations | None = None,
    ) -> None:
        self.settings = settings or ExpertSettings()
        self.asker = Asker("general_expert", model, prompts.get(template), self.settings.task, demonstrations)

    async def rank(
        self,
        shortlists: Sequence[tuple[Item, Sequence[LabelId]]],
        labels: Mapping[LabelId, Label],
        paths: Mapping[LabelId, Sequence[str]],
    ) -> list[Answer[LabelId]]:
        """Rank each item's candidates; empty shortlists have no answer.

        `labels` and `paths` must hold every candidate; a path runs from the root to the label's name.
        """
        pairs = build_questions(shortlists, lambda candidates: self.build_question(candidates, labels, paths))
        return await self.asker.ask(pairs)

    def build_question(
        self,
        candidates: Sequence[LabelId],
        labels: Mapping[LabelId, Label],
        paths: Mapping[LabelId, Sequence[str]],
        seed: int | None = None,
    ) -> Question[LabelId]:
        """Build the question about some candidates: number and render them, bind the schema to them.

        `seed` decides their order in place of the settings' seed.
        """
        offer = shuffle_options(candidates, seed=self.settings.seed if seed is None else seed)
        most = min(self.settings.most, len(candidates))

        shown = tell_apart(
            {label: path_text(paths.get(label) or (labels[label].name,)) for label in offer.options}, {}
        )

        def variables() -> dict[str, Any]:
            options = [
                {
                    "id": number,
                    "name": labels[label].name,
                    "description": labels[label].description,
                    "path": shown[label],
                    "examples": [],
                }
                for number, label in enumerate(offer.options, start=1)
            ]
            return {"options": options, "most": most}

        system, context = self.asker.render_shared(variables)
        choices = tuple(
            Choice.of(
                number, [label_option(labels[label], paths.get(label) or (), self.settings.native)], label
            )
            for number, label in enumerate(offer.options, start=1)
        )
        tool = rank_candidates_spec(len(candidates), most)
        return Question(None, offer, choices, tool, FIELD, most, system, context, sample=self.asker.sample)
