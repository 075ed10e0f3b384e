"""What a method is: items in, ranked labels and their cost out."""

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
"""Labels of exact search before the general expert, as in XMC-Agent's ablation (4.2.1)."""


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """What the methods of one evaluation share, and what one of them was told beside its name.

    `depth`: labels a method ranks. `shortlist`: labels of exact search that `shortlist` hands on. `shots`:
    examples of each label that `linear` shows, drawn from `examples` by `seed`; trained baselines learn from
    all of them. `build`: settings of the index that `kmeans-index` builds. `own`: settings of this method
    alone, `navigate:terminals=40`.
    """

    depth: int = 10
    shortlist: int = SHORTLIST
    shots: int = 0
    examples: Sequence[ItemRow] = ()
    seed: int = 0
    build: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)

    def own_number(self, name: str, default: int) -> int:
        """Return a whole number from 1 that the method was told beside its name; raises InputError."""
        given = self.own.get(name)
        if given is None:
            return default
        if not (given.isascii() and given.isdecimal() and int(given) > 0):
            raise InputError(f"{name} is {given!r}; give a whole number from 1")
        return int(given)

    def own_amount(self, name: str, default: float) -> float:
        """Return a number above 0 that the method was told beside its name; raises InputError."""
        given = self.own.get(name)
        if given is None:
            return default
        try:
            amount = float(given)
        except ValueError:
            amount = 0.0
        if not 0 < amount < math.inf:
            raise InputError(f"{name} is {given!r}; give a number above 0")
        return amount


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a method found: of each item the labels, best first, and the cost.

    `totals` are those of all calls together that led to these results, `asked` counts the requests of this
    call that went to a model, `failed` the items of which a decision failed. `confidence`: the score of each
    item's first label. `verdicts`: how many items each expert decided (`state.expertise.Verdict`).
    """

    predictions: Mapping[ItemId, tuple[LabelId, ...]]
    totals: Totals = field(default_factory=Totals)
    asked: int = 0
    failed: int = 0
    confidence: Mapping[ItemId, float] = field(default_factory=dict)
    verdicts: Mapping[str, int] = field(default_factory=dict)


Run = Callable[[Workspace, Sequence[Item], MethodSettings], Awaitable[Outcome]]
"""How a method labels items; they are in a workspace that may be a scratch copy."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method by its name.

    `about` says in a phrase what it does. `walks`: settings of `[walk]` may follow its name. `options`: what
    else may. `scratch`: it works in a workspace beside the person's. `by_class`: it picks one class for an
    item, and is measured by class. `probable`: its scores are probabilities. `reads_labels`: it compares items
    with the labels' vectors.
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
class Chosen:
    """A method as a person chose it: `title` as it was written, and what was told beside its name."""

    title: str
    method: Method
    own: Mapping[str, str]
