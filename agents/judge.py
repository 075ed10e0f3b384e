"""The judge: say of every label of a set how well it fits a text (XMC-Agent, appendix C, linear search)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonaut.agents.asking import Asker, Question
from taxonaut.agents.support.texts import PATH_SEPARATOR
from taxonaut.models.requests import Answers, Choice
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Decision, Item
from taxonaut.tools.judge_label import FIELD, judge_label_spec
from taxonaut.tools.support.offers import Offer

YES_NO = "judge/yes_no"
SCORED_TEMPLATE = "judge/likely"
"""For models that answer by the likelihood of a label's own text."""

LONGEST_EXAMPLE = 400
"""Characters of an example that a prompt shows."""


@dataclass(frozen=True, slots=True)
class JudgedLabel:
    """A label as the judge sees it: its text (a name or a path) and texts that have it."""

    id: LabelId
    text: str
    examples: tuple[str, ...] = ()


class Judge:
    """Judge labels one by one; a label's score does not depend on the others.

    `separately`: each label is a request of its own, as a prompt that shows one label needs; else one request
    has all of them as its choices, as an answer by likelihood or by vectors allows.
    """

    def __init__(
        self,
        model: Answers,
        prompts: PromptLibrary,
        template: str,
        *,
        task: str = "",
        separately: bool = True,
    ) -> None:
        self.asker = Asker("judge", model, prompts.get(template), task)
        self.likely = template == SCORED_TEMPLATE
        self.separately = separately

    async def judge(
        self, items: Sequence[Item], labels: Sequence[JudgedLabel]
    ) -> tuple[Mapping[ItemId, Mapping[LabelId, float]], list[Decision]]:
        """Return each item's scores, higher is better, and the decisions; a failed request leaves its labels out.

        Label by label, so that the items of one label share the beginning of their prompts.
        """
        questions = (
            [self.question([label]) for label in labels] if self.separately else [self.question(labels)]
        )
        pairs = [(item, question) for question in questions for item in items]
        answers = await self.asker.ask(pairs)
        scores: dict[ItemId, dict[LabelId, float]] = {item.id: {} for item in items}
        for answer in answers:
            known = zip(answer.question.offer.options, answer.decision.scores, strict=False)
            scores[answer.item.id].update(known)
        return scores, [answer.decision for answer in answers]

    def question(self, labels: Sequence[JudgedLabel]) -> Question[LabelId]:
        """Write the shared part of a request about one label, or about all of them."""
        offer = Offer(tuple(label.id for label in labels), 0)
        one = labels[0] if self.separately else None

        def variables() -> dict[str, object]:
            shown = [] if one is None else [example[:LONGEST_EXAMPLE] for example in one.examples]
            text = "" if one is None else one.text
            named = {"name": last_name(text)} if self.likely else {"label": text}
            return {**named, "examples": shown}

        system, context = self.asker.render_shared(variables)
        examples = not self.asker.model.reads_prompts
        choices = tuple(
            Choice(number, (label.text, *(label.examples if examples else ())))
            for number, label in enumerate(labels, start=1)
        )
        tool = judge_label_spec(len(labels))
        return Question(
            None, offer, choices, tool, FIELD, len(labels), system, context, sample=self.asker.sample
        )


def last_name(text: str) -> str:
    """Return the last name of a path."""
    return text.rpartition(PATH_SEPARATOR)[2]
