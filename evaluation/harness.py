"""Run methods side by side on one data set: quality beside cost, baselines in the same table."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.attribution import keep_gold
from taxonaut.evaluation.measures.classes import ClassQuality, class_intervals, class_scores
from taxonaut.evaluation.measures.comparison import differences, each_item, intervals
from taxonaut.evaluation.measures.intervals import Interval
from taxonaut.evaluation.measures.metrics import CUTOFFS, Scores, score
from taxonaut.evaluation.methods.method import Chosen, MethodSettings, Outcome
from taxonaut.evaluation.methods.registry import chosen
from taxonaut.evaluation.scratch import remember
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.updates import OnUpdate, listening, staged
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.results import arrow_table, data_frame
from taxonaut.workspace.workspace import Workspace

if TYPE_CHECKING:
    import pandas
    import pyarrow

METHODS = ("navigate", "dense", "bm25")
"""What is compared unless others are named (`methods.registry.METHODS` has all)."""

COST_COLUMNS = {
    "requests": "int64",
    "asked": "int64",
    "prompt_tokens": "int64",
    "completion_tokens": "int64",
    "reused_tokens": "int64",
    "seconds": "double",
    "failed": "int64",
}
"""What a method cost, as columns of a table."""

Predictions = Mapping[ItemId, Sequence[LabelId]]


@dataclass(frozen=True, slots=True)
class Quality:
    """How good one method is on one set of gold labels.

    `scores` is None where no item has gold labels. `intervals` bound each measure by its name (`P@5`),
    `differences` its paired difference from the first method; empty for that one.
    """

    scores: Scores | None
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    differences: Mapping[str, Interval] = field(default_factory=dict)

    def value(self, measure: str) -> float | None:
        """The value of a measure by its name; None where it was not measured."""
        found = self.intervals.get(measure)
        return found.value if found is not None else None


@dataclass(frozen=True, slots=True)
class MethodReport:
    """One method's quality and what it cost.

    `requests`, tokens and `seconds` (of the models' time) are those of all calls together that led to these
    results; `asked` counts the requests of this call that went to a model: none, where all was kept.
    `classes` is None where measures by class were not wanted or no item has gold labels. `verdicts`: how many
    items each expert decided, empty for other methods.
    """

    method: str
    quality: Quality
    requests: int
    asked: int
    prompt_tokens: int
    completion_tokens: int
    reused_tokens: int
    seconds: float
    failed: int
    predictions: Mapping[ItemId, tuple[LabelId, ...]] = field(repr=False)
    classes: ClassQuality | None = None
    verdicts: Mapping[str, int] = field(default_factory=dict)

    @property
    def scores(self) -> Scores | None:
        """The means over the items; None where no item has gold labels."""
        return self.quality.scores


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found. Items without gold labels count in `items` but not in the scores."""

    items: int
    with_gold: int
    labels: int
    methods: tuple[MethodReport, ...]

    def to_arrow(self) -> "pyarrow.Table":
        """Return a row for each method: its measures, by names such as `P@5`, and what it cost.

        Measures are null where no item has gold labels. Raises MissingExtraError without pyarrow.
        """
        measures = list(dict.fromkeys(name for each in self.methods for name in each.quality.intervals))
        columns = {"method": "string", **dict.fromkeys(measures, "double"), **COST_COLUMNS}
        rows = [
            (each.method, *map(each.quality.value, measures), *(getattr(each, name) for name in COST_COLUMNS))
            for each in self.methods
        ]
        return arrow_table(columns, rows)

    def to_pandas(self) -> "pandas.DataFrame":
        """Return `to_arrow` as a pandas frame. Raises MissingExtraError without pyarrow or pandas."""
        return data_frame(self.to_arrow())


async def aevaluate(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    methods: Sequence[str] = METHODS,
    ks: Sequence[int] = CUTOFFS,
    settings: MethodSettings | None = None,
    classes: bool = False,
    *,
    on_update: OnUpdate | None = None,
) -> Report:
    """Label all items with each method and score them against their gold labels.

    Measures by class come with `classes`, and with any method that is meant for them. A method may bring
    settings of its own: `navigate:terminals=40`. The gold labels are kept, for what is asked later about where
    labels were lost. Raises InputError for a method that is not there, no items,
    gold labels the index does not have.
    """
    found = chosen(methods)
    check(workspace, rows)
    keep_gold(workspace, rows)
    settings = settings or MethodSettings()
    settings = replace(settings, depth=max([*ks, workspace.config.walk.top, settings.depth]))
    if any(each.method.scratch for each in found):
        remember(workspace)
    items = [row.item for row in rows]
    outcomes: dict[str, Outcome] = {}
    for each in found:
        own = replace(settings, own=each.own)
        with listening(on_update), staged(each.title, len(rows)):
            outcomes[each.title] = await each.method.run(workspace, items, own)
    qualities = judged(workspace, rows, {title: out.predictions for title, out in outcomes.items()}, ks)
    by_class: Mapping[str, ClassQuality] = {}
    if classes or any(each.method.by_class for each in found):
        probable = {each.title for each in found if each.method.probable}
        by_class = judged_by_class(rows, outcomes, probable, class_examples(workspace, settings, found))
    return Report(
        len(rows),
        sum(bool(row.gold) for row in rows),
        len(workspace.index.label_ids()),
        tuple(reported(each, qualities[each], out, by_class.get(each)) for each, out in outcomes.items()),
    )


def evaluate(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    methods: Sequence[str] = METHODS,
    ks: Sequence[int] = CUTOFFS,
    settings: MethodSettings | None = None,
    classes: bool = False,
    *,
    on_update: OnUpdate | None = None,
) -> Report:
    """Do what `aevaluate` does, from synchronous code."""
    return PORTAL.run(aevaluate(workspace, rows, methods, ks, settings, classes, on_update=on_update))


def check(workspace: Workspace, rows: Sequence[ItemRow]) -> None:
    """Refuse what cannot be evaluated."""
    if not rows:
        raise InputError("there are no items to evaluate; give a file with texts and gold labels")
    known = set(workspace.index.label_ids())
    for row in rows:
        for label in row.gold:
            if label not in known:
                where = row.place or repr(row.item.id)
                raise InputError(
                    f"{where}: the gold label {label!r} is not in the index; "
                    "import the labels it comes from, or correct it"
                )


def judged(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    predictions: Mapping[str, Predictions],
    ks: Sequence[int],
    only: Collection[LabelId] | None = None,
) -> dict[str, Quality]:
    """Score each method's predictions, ancestors from the index; differences are from the first method.

    With `only`, no other gold labels count, and items that have none of them are left out.
    """
    gold = [[label for label in row.gold if only is None or label in only] for row in rows]
    kept = [(row.item.id, labels) for row, labels in zip(rows, gold, strict=True) if labels]
    if not kept:
        return {method: Quality(None) for method in predictions}
    right = [labels for _, labels in kept]
    found: dict[str, Quality] = {}
    first: dict[str, NDArray[np.float64]] = {}
    for method, by_item in predictions.items():
        ranked = [list(by_item.get(item, ())) for item, _ in kept]
        wanted = list(dict.fromkeys(label for labels in [*ranked, *right] for label in labels))
        scores = score(ranked, right, workspace.index.paths_of(wanted), ks)
        scores = replace(scores, without_gold=len(rows) - len(kept))
        values = each_item(ranked, right, ks)
        found[method] = Quality(scores, intervals(values), differences(values, first) if first else {})
        first = first or values
    return found


def judged_by_class(
    rows: Sequence[ItemRow],
    outcomes: Mapping[str, Outcome],
    probable: Collection[str],
    examples: Mapping[LabelId, int] | None,
) -> dict[str, ClassQuality]:
    """Score each method's first predictions by class; `probable` methods by their probabilities too."""
    kept = [row for row in rows if row.gold]
    if not kept:
        return {}
    gold = [row.gold for row in kept]
    given: dict[str, list[LabelId | None]] = {
        method: [next(iter(out.predictions.get(row.item.id, ())), None) for row in kept]
        for method, out in outcomes.items()
    }
    bounded, gaps = class_intervals(given, gold)
    found = {}
    for method, out in outcomes.items():
        sure = [out.confidence.get(row.item.id, 0.0) for row in kept] if method in probable else None
        scores = class_scores(given[method], gold, examples, sure)
        found[method] = ClassQuality(scores, bounded[method], gaps[method])
    return found


def class_examples(
    workspace: Workspace, settings: MethodSettings, methods: Sequence[Chosen]
) -> dict[LabelId, int] | None:
    """Count the products of each class: the labelled examples, else what the named expert was trained on.

    None where neither is there.
    """
    if settings.examples:
        rows = [row for row in settings.examples if row.item.text.strip()]
        return dict(Counter(label for row in rows for label in row.gold))
    for each in methods:
        if "expert" in each.method.options:
            number = replace(settings, own=each.own).own_number("expert", 0) or None
            known = Experts(workspace).examples(number)
            return {label: len(products) for label, products in known.items()}
    return None


def reported(
    method: str, quality: Quality, outcome: Outcome, classes: ClassQuality | None = None
) -> MethodReport:
    """Put quality and cost together."""
    totals = outcome.totals
    return MethodReport(
        method=method,
        quality=quality,
        requests=totals.requests,
        asked=outcome.asked,
        prompt_tokens=totals.prompt_tokens,
        completion_tokens=totals.completion_tokens,
        reused_tokens=totals.reused_tokens,
        seconds=totals.seconds,
        failed=outcome.failed,
        predictions=outcome.predictions,
        classes=classes,
        verdicts=outcome.verdicts,
    )
