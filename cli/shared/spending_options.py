"""`--budget` and prices: what a command may spend on language models, and what it spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut.cli.shared.terminal import counted, printable
from taxonaut.models import llm
from taxonaut.state.errors import InputError

if TYPE_CHECKING:
    from taxonaut.models.llm.prices import Prices
    from taxonaut.models.llm.spending import Budget, Spending
    from taxonaut.workspace.workspace import Workspace

MONEY_PANEL = "Money"

PriceInOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="P",
        help="Price of a million prompt tokens, for models that the list lacks.",
        show_default=False,
        rich_help_panel=MONEY_PANEL,
    ),
]
PriceOutOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="P",
        help="Price of a million completion tokens.",
        show_default=False,
        rich_help_panel=MONEY_PANEL,
    ),
]


@dataclass(frozen=True, slots=True)
class SpendingOptions:
    """What a command may spend on language models."""

    budget: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="MONEY",
            help="Stop before this call spends more on language models, in US dollars by LiteLLM's price list; "
            "what is finished is kept.",
            show_default=False,
            rich_help_panel=MONEY_PANEL,
        ),
    ] = None
    price_in: PriceInOption = None
    price_out: PriceOutOption = None


class Meter:
    """The spending of one call of a command, over all workspaces that it opens."""

    def __init__(self, options: SpendingOptions) -> None:
        self.money = options.budget
        self.prices = read_prices(options.price_in, options.price_out)
        self.budget: Budget | None = None

    def attach(self, workspace: Workspace) -> None:
        """Count what a workspace's language models are asked. Raises InputError if one has no known price."""
        spending = llm.spending
        wiring = workspace.wiring
        if self.budget is None:
            find = spending.price_finder(self.prices, wiring.injected.models)
            self.budget = spending.Budget(None, self.money, find, spending.Spending())
        if self.money is not None:
            roles = {
                role: getattr(wiring.config.models, role) for role in type(wiring.config.models).model_fields
            }
            asked = {role: each for role, each in roles.items() if each.provider != "encoder"}
            spending.require_prices(asked, self.budget.prices)
        wiring.budget = self.budget

    def lines(self) -> list[str]:
        """Say what was spent on models outside of this process; nothing where there is neither price nor budget."""
        if self.budget is None or not self.budget.spent.paid:
            return []
        spent = self.budget.spent
        priced = spent.money or self.money is not None or self.prices is not None
        return [describe(spent)] if priced else []


def describe(spent: Spending) -> str:
    """Say what was spent."""
    tokens = f"{spent.prompt_tokens:,} tokens read, {spent.completion_tokens:,} written"
    said = f"spent on language models: {spent.money:,.4f} US dollars, {counted(spent.requests, 'request')}, {tokens}"
    if spent.unpriced:
        names = printable(", ".join(sorted(spent.unpriced)))
        return f"{said}; without {names}: not in the price list, give --price-in and --price-out"
    return said


def read_prices(read: float | None, written: float | None) -> Prices | None:
    """Return the prices of tokens. Raises InputError if one of the two is missing."""
    if read is None and written is None:
        return None
    if read is None or written is None:
        raise InputError("give both --price-in and --price-out, each for a million tokens (0 for none)")
    return llm.prices.Prices(read, written)
