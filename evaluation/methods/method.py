"""The interface of a method: from items to ranked labels and their cost."""

import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.state.stores.decisions import Totals
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

SHORTLIST = 500
"""Labels that exact search passes to the general expert, as in XMC-Agent's ablation (4.2.1)."""


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """Settings shared by the methods of one evaluation, and the options of one of them.

    `depth`: labels a method ranks. `shortlist`: labels that the method `shortlist` passes on. `shots`: examples
    per label shown by `linear`, sampled from `examples` with `seed`; trained baselines learn from all
    `examples`. `build`: settings of the index that `kmeans-index` builds. `own`: options after the method's
    name, as in `navigate:terminals=40`.
    """

    depth: int = 10
    shortlist: int = SHORTLIST
    shots: int = 0
    examples: Sequence[ItemRow] = ()
    seed: int = 0
    build: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)

    def own_number(self, name: str, default: int) -> int:
        """Return an option that is a whole number from 1; raises InputError."""
        given = self.own.get(name)
        if given is None:
            return default
        if not (given.isascii() and given.isdecimal() and int(given) > 0):
            raise InputError(f"invalid {name}={given!r}; give a whole number from 1")
        return int(given)

    def own_amount(self, name: str, default: float) -> float:
        """Return an option that is a number above 0; raises InputError."""
        given = self.own.get(name)
        if given is None:
            return default
        try:
            amount = float(given)
        except ValueError:
            amount = 0.0
        if not 0 < amount < math.inf:
            raise InputError(f"invalid {name}={given!r}; give a number above 0")
        return amount


@dataclass(frozen=True, slots=True)
class Outcome:
    """The labels a method predicted for each item, best first, and the cost.

    `totals` add up all calls that led to these results; `asked` counts the requests that this call sent to a
    model; `failed` are the items about which a request failed. `confidence` is the score of each item's first label.
    `verdicts` counts the items each expert decided (`state.recommendations.Verdict`).
    """

    predictions: Mapping[ItemId, tuple[LabelId, ...]]
    totals: Totals = field(default_factory=Totals)
    asked: int = 0
    failed: frozenset[ItemId] = frozenset()
    confidence: Mapping[ItemId, float] = field(default_factory=dict)
    verdicts: Mapping[str, int] = field(default_factory=dict)


Run = Callable[[Workspace, Sequence[Item], MethodSettings], Awaitable[Outcome]]
"""Labels items in a workspace, which may be a scratch workspace."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of `evaluate`.

    `about` is its one-line description. `walks`: it walks a tree and takes the settings of `[walk]` as options,
    besides `options`. `scratch`: it runs in a scratch workspace. `by_class`: it predicts one class per item and
    is measured by class. `probable`: its scores are probabilities. `reads_labels`: it compares items with the
    labels' vectors.
    """

    name: str
    about: str
    run: Run
    walks: bool = False
    options: Collection[str] = ()
    scratch: bool = False
    by_class: bool = False
    probable: bool = False
    reads_labels: bool = True


@dataclass(frozen=True, slots=True)
class ChosenMethod:
    """A method as the user gave it: the full `title`, and its options."""

    title: str
    method: Method
    own: Mapping[str, str]
