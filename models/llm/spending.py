"""Count what is sent to language models, in requests and money, and stop before a budget is passed."""

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from taxonaut.models.chat_model import ChatModel, ChatReply, Message, OnToken
from taxonaut.models.llm.prices import FREE, Prices, listed_prices
from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import BudgetSpentError, InputError, ModelError, ModelReplyError
from taxonaut.state.records import ToolSpec, Usage

STORED = ("requests", "prompt_tokens", "completion_tokens", "money")
"""What a run keeps of its spending."""

MANY = 1_000_000_000
"""In place of no limit of requests."""

POLL_S = 0.02
"""How often it is looked whether requests under way leave something of the budget."""


@dataclass(slots=True)
class Spending:
    """What was spent: requests that were sent, their tokens, and money where all prices are known.

    Replies from the cache cost nothing. `unpriced` are models that were asked and whose prices are not known; `paid`
    says whether any model was asked that does not run in this process.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    money: float = 0.0
    paid: bool = field(default=False, compare=False)
    unpriced: set[str] = field(default_factory=set, compare=False)

    def row(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: getattr(self, name) for name in STORED}


class Budget:
    """Limits of requests and of money, None without one; `keep` stores what was spent, whenever it grows."""

    def __init__(
        self,
        requests: int | None,
        money: float | None,
        prices: Callable[[ModelSettings], Prices | None],
        spent: Spending,
        keep: Callable[[Spending], None] = lambda _: None,
    ) -> None:
        self.requests = requests
        self.money = money
        self.prices = prices
        self.spent = spent
        self.keep = keep
        self.share = 1.0
        """How much of the budget may be used now."""
        self.dearest = 0.0
        """The most that a request has cost."""
        self.sent = 0
        """Requests under way."""

    @property
    def left(self) -> int:
        """Requests that may still be sent now, by both limits."""
        left = MANY if self.requests is None else int(self.requests * self.share) - self.spent.requests
        if self.money is not None:
            remaining = self.money * self.share - self.spent.money
            if remaining <= 0:
                return 0
            if self.dearest:
                left = min(left, int(remaining / self.dearest))
        return max(0, left - self.sent)

    async def send(
        self, prices: Prices | None, wanted: int, ask: Callable[[int], Awaitable[Sequence[Any]]]
    ) -> Sequence[Any]:
        """Ask for as many of `wanted` replies as the budget has left, and wait for requests under way if it has none.

        The first request that costs something goes alone, as what one costs is not known before. Raises
        BudgetSpentError if nothing is left.
        """
        while True:
            left = min(wanted, self.left)
            if self.money is not None and prices != FREE and not self.dearest:
                left = 0 if self.sent else min(1, left)
            if left > 0:
                break
            if not self.sent:
                raise BudgetSpentError(self.describe())
            await asyncio.sleep(POLL_S)
        self.sent += left
        try:
            return await ask(left)
        finally:
            self.sent -= left

    def describe(self) -> str:
        """Say that the budget is spent, and how to go on."""
        limit = "of requests" if self.money is None else f"of {self.money:,.2f} US dollars"
        return (
            f"the budget {limit} is spent: {self.spent.money:,.4f} for {self.spent.requests:,} requests, and "
            "one more may pass it; what was answered is kept: run the same command again with another --budget"
        )

    def count(self, prices: Prices | None, usage: Usage | None, model: str = "") -> None:
        """Count a request that was sent; without `usage`, one without a usable reply: as the dearest."""
        spent = self.spent
        spent.requests += 1
        spent.paid = spent.paid or prices != FREE
        if usage is not None:
            spent.prompt_tokens += usage.prompt_tokens
            spent.completion_tokens += usage.completion_tokens
        if prices is None:
            spent.unpriced.add(model)
        elif usage is None:
            spent.money += self.dearest if prices != FREE else 0.0
        else:
            cost = prices.cost(usage.prompt_tokens, usage.completion_tokens, usage.reused_tokens)
            spent.money += cost
            self.dearest = max(self.dearest, cost)

    def metered(self, settings: ModelSettings, model: Answers) -> Answers:
        """Return a role's model that counts against this budget; an encoder, which reads no prompt, is free."""
        if not model.reads_prompts:
            return model
        return MeteredModel(model, self, self.prices(settings))

    def metered_chat(self, settings: ModelSettings, model: ChatModel) -> ChatModel:
        """Return an assistant's model that counts against this budget."""
        return MeteredChat(model, self, self.prices(settings))


class MeteredModel:
    """A model whose requests count against a budget; it raises BudgetSpentError rather than pass it."""

    reads_prompts = True

    def __init__(self, model: Answers, budget: Budget, prices: Prices | None) -> None:
        self.model = model
        self.name = model.name
        self.budget = budget
        self.prices = prices

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer in order, as many at a time as the budget has left; what was answered before it ends is kept."""
        replies: list[ModelReply | ModelError] = []
        while len(replies) < len(requests):
            rest = requests[len(replies) :]
            found = await self.budget.send(self.prices, len(rest), partial(self.ask, rest))
            self.count(found)
            replies += found
        return replies

    async def ask(self, requests: Sequence[ModelRequest], most: int) -> Sequence[ModelReply | ModelError]:
        """Send the first of some requests."""
        return await self.model.answer(requests[:most])

    def count(self, replies: Sequence[ModelReply | ModelError]) -> None:
        """Count the replies that were sent for."""
        sent = [reply for reply in replies if isinstance(reply, ModelError) or not reply.usage.cached]
        for reply in sent:
            if isinstance(reply, ModelReply):
                self.budget.count(self.prices, reply.usage, self.name)
            else:
                unpaid = not isinstance(reply, ModelReplyError)
                self.budget.count(self.prices, Usage() if unpaid else None, self.name)
        if sent:
            self.budget.keep(self.budget.spent)


class MeteredChat:
    """A model that leads conversations, whose requests count against a budget."""

    def __init__(self, model: ChatModel, budget: Budget, prices: Prices | None) -> None:
        self.model = model
        self.name = model.name
        self.budget = budget
        self.prices = prices

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], on_token: OnToken
    ) -> ChatReply:
        """Answer the last of `messages`. Raises BudgetSpentError if the budget has nothing left."""

        async def ask(_: int) -> Sequence[ChatReply]:
            return [await self.model.reply(messages, tools, on_token)]

        (reply,) = await self.budget.send(self.prices, 1, ask)
        made: ChatReply = reply
        self.budget.count(self.prices, made.usage, self.name)
        self.budget.keep(self.budget.spent)
        return made


def price_finder(
    given: Prices | None, objects: Container[str] = ()
) -> Callable[[ModelSettings], Prices | None]:
    """Return what finds a model's prices: none in this process, else `given`, else those that LiteLLM's list has.

    `objects` are the model strings of the caller's objects, which no list has.
    """

    def find(settings: ModelSettings) -> Prices | None:
        if settings.in_process:
            return FREE
        if given is not None:
            return given
        return None if settings.model in objects else listed_prices(settings.model)

    return find


def check_prices(roles: Mapping[str, ModelSettings], find: Callable[[ModelSettings], Prices | None]) -> bool:
    """Return whether the prices of all roles' models are known."""
    return all(find(settings) is not None for settings in roles.values())


def require_prices(
    roles: Mapping[str, ModelSettings], find: Callable[[ModelSettings], Prices | None]
) -> None:
    """Raise InputError if a model's prices are not known, so that money cannot be limited."""
    for role, settings in roles.items():
        if find(settings) is None:
            raise InputError(
                f"what {settings.model!r} of the {role} costs is not known, so --budget cannot limit it; give "
                "--price-in and --price-out, each for a million tokens, or limit --requests alone"
            )
