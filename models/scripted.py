"""A model that answers from a script, for tests. Public."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.validation import cannot_decide, checked
from taxonaut.state.errors import ModelError, ModelReplyError
from taxonaut.state.records import Usage


class LogProbabilities(dict[int, float]):
    """The log-probability of each option by its id: the answer to a request for `likelihoods`."""


Answer = Sequence[int] | Mapping[str, Any] | LogProbabilities | ModelError
"""Option ids, best first ([0] abstains); or a call's arguments; or an error to return instead."""


class ScriptedModel:
    """Answer requests from a queue, or by a rule on the request; remember what was asked.

    >>> model = ScriptedModel([[1], [0]])
    >>> model = ScriptedModel(rule=lambda request: [request.choices[-1].id])
    """

    def __init__(
        self,
        replies: Iterable[Answer] = (),
        *,
        rule: Callable[[ModelRequest], Answer] | None = None,
        name: str = "scripted",
    ) -> None:
        self.name = name
        self.reads_prompts = True
        self.queue: deque[Answer] = deque(replies)
        self.rule = rule
        self.history: list[ModelRequest] = []

    def enqueue(self, *replies: Answer) -> None:
        """Add replies to the end of the script."""
        self.queue.extend(replies)

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer in order; AssertionError when the script has run out, so that a test cannot miss it."""
        return [self.answer_one(request) for request in requests]

    def answer_one(self, request: ModelRequest) -> ModelReply | ModelError:
        """Answer one request by the next line of the script, else by the rule."""
        self.history.append(request)
        if self.queue:
            answer = self.queue.popleft()
        elif self.rule is not None:
            answer = self.rule(request)
        else:
            raise AssertionError(
                f"the script has no reply left for request {len(self.history)}: {request.item!r}"
            )
        if isinstance(answer, ModelError):
            return answer
        if isinstance(answer, LogProbabilities):
            best = max(answer, key=lambda number: answer[number])
            return ModelReply(chosen=(best,), arguments={request.field: [best]}, usage=Usage(), scores=answer)
        arguments: dict[str, Any] = (
            {str(name): value for name, value in answer.items()}
            if isinstance(answer, Mapping)
            else {request.field: list(answer)}
        )
        try:
            chosen, each = checked(request, arguments)
            return ModelReply(
                chosen=chosen,
                arguments=arguments,
                usage=Usage(),
                reason=str(arguments.get("reason", "")),
                each=each,
                undecided=cannot_decide(request, arguments),
            )
        except ModelReplyError as error:
            return error
