"""Count what is sent to language models, in requests and money, and stop before a budget is passed."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from taxonaut.models.llm.prices import FREE, Prices, listed_prices
from taxonaut.models.requests import Answers, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import InputError, ModelError


@dataclass(slots=True)
class Spending:
    """What was spent: requests that were sent, their tokens, and money where all prices are known.

    Replies from the cache cost nothing. Tokens that a server read from its own cache count in full.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    money: float = 0.0

    def row(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


class BudgetSpent(Exception):
    """The next request would pass the budget."""


class Budget:
    """Limits of requests and of money, None without one; `keep` stores what was spent, whenever it grows."""

    def __init__(
        self,
        requests: int,
        money: float | None,
        prices: Callable[[ModelSettings], Prices | None],
        spent: Spending,
        keep: Callable[[Spending], None],
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

    @property
    def left(self) -> int:
        """Requests that may still be sent now, by both limits."""
        left = int(self.requests * self.share) - self.spent.requests
        if self.money is not None:
            remaining = self.money * self.share - self.spent.money
            if remaining <= 0:
                return 0
            if self.dearest:
                left = min(left, int(remaining / self.dearest))
        return max(0, left)

    def metered(self, settings: ModelSettings, model: Answers) -> Answers:
        """Return a role's model that counts against this budget; an encoder, which reads no prompt, is free."""
        if not model.reads_prompts:
            return model
        return MeteredModel(model, self, self.prices(settings))


class MeteredModel:
    """A model whose requests count against a budget; it raises BudgetSpent rather than pass it."""

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
            left = self.budget.left
            if left <= 0:
                raise BudgetSpent
            if self.budget.money is not None and self.prices != FREE and not self.budget.dearest:
                left = 1  # what a request costs is not known before the first
            found = await self.model.answer(requests[len(replies) : len(replies) + left])
            self.count(found)
            replies += found
        return replies

    def count(self, replies: Sequence[ModelReply | ModelError]) -> None:
        """Count the replies that were sent for."""
        spent, budget = self.budget.spent, self.budget
        sent = [reply for reply in replies if isinstance(reply, ModelError) or not reply.usage.cached]
        for reply in sent:
            spent.requests += 1
            if isinstance(reply, ModelReply):
                usage = reply.usage
                spent.prompt_tokens += usage.prompt_tokens
                spent.completion_tokens += usage.completion_tokens
                if self.prices is not None:
                    cost = self.prices.cost(usage.prompt_tokens, usage.completion_tokens, usage.reused_tokens)
                    spent.money += cost
                    budget.dearest = max(budget.dearest, cost)
        if sent:
            budget.keep(spent)


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
