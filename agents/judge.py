"""Judge: score every label of a set against a text (linear search of XMC-Agent, appendix C)."""

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
"""For models that score a label's text by likelihood."""

LONGEST_EXAMPLE = 400
"""Maximum characters of an example in a prompt."""


@dataclass(frozen=True, slots=True)
class JudgedLabel:
    """A label as the judge sees it: its text (a name or a path) and example items."""

    id: LabelId
    text: str
    examples: tuple[str, ...] = ()


class Judge:
    """Score labels independently of each other.

    With `separately`, each label is one request, for prompts that show one label; otherwise one request has all
    labels as choices, for models that score by likelihood or vectors.
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
        """Return each item's scores, higher is better, and the decisions; labels of failed requests are missing.

        Requests go label by label, so that items share prompt prefixes.
        """
        questions = (
            [self.build_question([label]) for label in labels]
            if self.separately
            else [self.build_question(labels)]
        )
        pairs = [(item, question) for question in questions for item in items]
        answers = await self.asker.ask(pairs)
        scores: dict[ItemId, dict[LabelId, float]] = {item.id: {} for item in items}
        for answer in answers:
            known = zip(answer.question.offer.options, answer.decision.scores, strict=False)
            scores[answer.item.id].update(known)
        return scores, [answer.decision for answer in answers]

    def build_question(self, labels: Sequence[JudgedLabel]) -> Question[LabelId]:
        """Build the question about one label, or about all of them."""
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
    """Return the last name of a path text."""
    return text.rpartition(PATH_SEPARATOR)[2]
