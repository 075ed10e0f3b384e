"""Feedback writer: a model's own reasons why a label that it got wrong fits or does not (XMC-Agent 2.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from taxonaut.agents.asking import Asker
from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelError, ModelNotFoundError, ToolError
from taxonaut.state.records import Decision, Item, Usage
from taxonaut.tools.write.explain_fit import FITS, REASONS, FitReasons, explain_fit, explain_fit_spec

TEMPLATE = "feedback/explain"


@dataclass(frozen=True, slots=True)
class FitCase:
    """An item and a label that was an error or a miss, or a node on the path to one.

    `label` is the text shown, a name or a path. `branch`: it is a node. `fits`: whether it is right, None to ask.
    """

    item: Item
    label: str
    description: str
    branch: bool
    fits: bool | None


@dataclass(frozen=True, slots=True)
class FitFeedback:
    """The reasons of a case; `words` is None and `error` set if the model gave nothing usable."""

    case: FitCase
    words: FitReasons | None
    decision: Decision
    error: ModelError | ToolError | None = None

    @property
    def arguments(self) -> dict[str, object]:
        """The call that a model should make when it is asked whether the label fits."""
        return {REASONS: self.words.reasons, FITS: self.words.fits} if self.words else {}


class FeedbackWriter:
    """Write the reasons of each case, one request each; the verdict is given, so only the reasons are the model's."""

    def __init__(self, model: Answers, prompts: PromptLibrary, task: str = "") -> None:
        self.asker = Asker("feedback_writer", model, prompts.get(TEMPLATE), task)

    async def write(self, cases: Sequence[FitCase]) -> list[FitFeedback]:
        """Explain each case, in order. Raises ModelNotFoundError if the model does not exist."""
        replies = await self.asker.model.answer([self.build_request(case) for case in cases])
        for reply in replies:
            if isinstance(reply, ModelNotFoundError):
                raise reply
        return [self.read_reply(case, reply) for case, reply in zip(cases, replies, strict=True)]

    def build_request(self, case: FitCase) -> ModelRequest:
        """Build the request about a case."""
        system, context = self.asker.render_shared(
            lambda: {
                "label": case.label,
                "description": case.description,
                "branch": case.branch,
                "fits": case.fits,
            }
        )
        return ModelRequest(
            system=system,
            context=context,
            item=self.asker.render_item(case.item.named_text),
            blank_item=self.asker.blank,
            text=case.item.text,
            tool=explain_fit_spec(case.fits),
            field="",
            choices=(),
            most=1,
        )

    def build_question(self, case: FitCase) -> ModelRequest:
        """Build the request that asks whether the label fits, to which the reasons are the answer."""
        return self.build_request(replace(case, fits=None))

    def read_reply(self, case: FitCase, reply: ModelReply | ModelError) -> FitFeedback:
        """Read a reply and build its decision row."""
        words: FitReasons | None = None
        error: ModelError | ToolError | None = reply if isinstance(reply, ModelError) else None
        if not isinstance(reply, ModelError):
            try:
                words = explain_fit(reply.arguments)
            except ToolError as problem:
                error = problem
        decision = Decision(
            item_id=case.item.id,
            node_id=None,
            agent=self.asker.agent,
            template=self.asker.prompt.name,
            template_hash=self.asker.prompt.hash,
            model=self.asker.model.name,
            tool=explain_fit_spec(case.fits).name,
            options=(case.label,),
            choice=() if words is None else (words.reasons,),
            usage=Usage() if isinstance(reply, ModelError) else reply.usage,
            transcript=reply.transcript,
            error="" if error is None else str(error),
        )
        return FitFeedback(case, words, decision, error)
