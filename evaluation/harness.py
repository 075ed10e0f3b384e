"""Evaluate methods on one data set: quality with intervals, and cost."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from taxonaut.evaluation.label_quality import LabelQuality, measure_labels
from taxonaut.evaluation.measures.classes import ClassQuality, class_intervals, class_scores
from taxonaut.evaluation.measures.comparison import Sampled, measure_methods
from taxonaut.evaluation.measures.hierarchy import Hierarchy
from taxonaut.evaluation.measures.metrics import CUTOFFS, Scores, score
from taxonaut.evaluation.measures.refusal import RefusalScores, score_refusals
from taxonaut.evaluation.measures.selection import set_size
from taxonaut.evaluation.methods.method import ChosenMethod, MethodSettings, Outcome
from taxonaut.evaluation.methods.registry import parse_methods
from taxonaut.evaluation.scratch import cache_vectors
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.updates import OnUpdate, listening, staged
from taxonaut.workspace.core.intervals import Interval
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.results import arrow_table, data_frame
from taxonaut.workspace.walk.item_scores import UNLIKELY, scores_of
from taxonaut.workspace.walk.labelled_items import store_gold
from taxonaut.workspace.workspace import Workspace

if TYPE_CHECKING:
    import pandas
    import pyarrow

METHODS = ("navigate", "dense", "bm25")
"""The default methods; `methods.registry.METHODS` has all."""

COST_COLUMNS = {
    "requests": "int64",
    "asked": "int64",
    "comparisons": "int64",
    "prompt_tokens": "int64",
    "completion_tokens": "int64",
    "reused_tokens": "int64",
    "seconds": "double",
    "failed": "int64",
}
"""Table columns of a method's cost."""

Predictions = Mapping[ItemId, Sequence[LabelId]]


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of one method on one set of gold labels.

    `scores` is None if no item has gold labels. `intervals` has each measure's interval by its name (`P@5`),
    `differences` that of its paired difference from the first method, for which it is empty.
    """

    scores: Scores | None
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    differences: Mapping[str, Interval] = field(default_factory=dict)

    def value(self, measure: str) -> float | None:
        """Return a measure by its name, None if it was not measured."""
        found = self.intervals.get(measure)
        return found.value if found is not None else None


@dataclass(frozen=True, slots=True)
class MethodReport:
    """The quality and cost of one method.

    `requests`, tokens and `seconds` (model time) add up all calls that led to these results; `asked` counts the
    requests that this call sent to a model, 0 if all were stored; `comparisons` counts decisions by vectors.
    `classes` is None if measures by class were
    not requested or no item has gold labels. `verdicts` counts the items each expert decided; empty for other
    methods. `failed` counts the items about which a request failed, `failed_items`. `by_label` has every label
    that is right or among the first `Report.set_size` answers of some measured item, those missed most first.
    `refusal` is None unless some items fit no label.
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
    by_label: tuple[LabelQuality, ...] = field(default=(), repr=False)
    failed_items: frozenset[ItemId] = field(default=frozenset(), repr=False)
    refusal: RefusalScores | None = None
    comparisons: int = 0

    @property
    def scores(self) -> Scores | None:
        """The means over the items, None if no item has gold labels."""
        return self.quality.scores


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an evaluation. Items without gold labels count in `items` but not in the scores.

    `left_out` counts the items with gold labels about which a request of some method failed: they are in the scores
    of no method, so that all are measured on the same items. `ks` are the cutoffs; `set_size` is the one at which
    answers are taken as sets (micro F1, labels one by one). `single`: every measured item has one right label.
    `out_of_scope` counts the items that fit no label.
    """

    items: int
    with_gold: int
    labels: int
    methods: tuple[MethodReport, ...]
    left_out: int = 0
    ks: tuple[int, ...] = CUTOFFS
    set_size: int = 1
    single: bool = False
    out_of_scope: int = 0

    @property
    def measured(self) -> int:
        """The number of items in the scores."""
        return self.with_gold - self.left_out

    def to_arrow(self) -> "pyarrow.Table":
        """Return a row for each method: its measures, by names such as `P@5`, and its cost.

        `measured` counts the items in the measures, `failed` those about which a request of the method failed.
        Measures are null if no item is in them. Raises MissingExtraError without pyarrow.
        """
        measures = list(dict.fromkeys(name for each in self.methods for name in each.quality.intervals))
        columns = {
            "method": "string",
            **dict.fromkeys(measures, "double"),
            "measured": "int64",
            **COST_COLUMNS,
        }
        rows = [
            (
                each.method,
                *map(each.quality.value, measures),
                self.measured,
                *(getattr(each, name) for name in COST_COLUMNS),
            )
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
    out_of_scope: Collection[ItemId] = (),
    min_score: float | None = None,
    on_update: OnUpdate | None = None,
) -> Report:
    """Label all items with each method and score them against their gold labels.

    A method's name may carry settings: `navigate:terminals=40`. `classes` adds measures by class; methods that
    predict one class always have them. Items about which a request of some method failed are in the scores of none;
    an equal call asks for these again. The gold labels are stored for later questions about lost labels.

    Items in `out_of_scope` fit no label and have no gold: the report says how well each method refuses them. A method
    refuses an item that it gives no label, or whose first label scores below `min_score`, by default the least score
    of `classify` for methods that walk.

    Gold labels that were merged, replaced or renumbered are those of today; those of split and retired labels are
    left out. Raises InputError for an unknown method, no items, or a gold label that is not in the index.
    """
    found = parse_methods(methods)
    rows = [replace(row, gold=workspace.index.present(row.gold)) for row in rows]
    check_rows(workspace, rows)
    check_out_of_scope(rows, out_of_scope)
    store_gold(workspace, rows)
    settings = settings or MethodSettings()
    settings = replace(settings, depth=max([*ks, workspace.config.walk.top, settings.depth]))
    if any(each.method.scratch for each in found):
        cache_vectors(workspace)
    items = [row.item for row in rows]
    outcomes: dict[str, Outcome] = {}
    for each in found:
        own = replace(settings, own=each.own)
        with listening(on_update), staged(each.title, len(rows)):
            outcomes[each.title] = await each.method.run(workspace, items, own)
    answered = answered_rows(rows, outcomes.values())
    qualities = score_methods(
        workspace, answered, {title: out.predictions for title, out in outcomes.items()}, ks
    )
    by_class: Mapping[str, ClassQuality] = {}
    if classes or any(each.method.by_class for each in found):
        probable = {each.title for each in found if each.method.probable}
        by_class = score_methods_by_class(
            answered, outcomes, probable, count_examples(workspace, settings, found)
        )
    sizes = [len(row.gold) for row in answered if row.gold]
    least = least_score(workspace)
    thresholds = {
        each.title: min_score if min_score is not None else least if each.method.walks else -math.inf
        for each in found
    }
    size = set_size(sizes, ks)
    return Report(
        items=len(rows),
        with_gold=sum(bool(row.gold) for row in rows),
        labels=len(workspace.index.label_ids()),
        methods=tuple(
            report_method(
                each,
                qualities[each],
                out,
                by_class.get(each),
                measure_labels(workspace.index, answered, out.predictions, size),
                score_method_refusals(answered, out, out_of_scope, thresholds[each]),
            )
            for each, out in outcomes.items()
        ),
        left_out=sum(bool(row.gold) for row in rows) - len(sizes),
        ks=tuple(ks),
        set_size=size,
        single=bool(sizes) and all(count == 1 for count in sizes),
        out_of_scope=sum(row.item.id in out_of_scope for row in rows),
    )


def evaluate(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    methods: Sequence[str] = METHODS,
    ks: Sequence[int] = CUTOFFS,
    settings: MethodSettings | None = None,
    classes: bool = False,
    *,
    out_of_scope: Collection[ItemId] = (),
    min_score: float | None = None,
    on_update: OnUpdate | None = None,
) -> Report:
    """Run `aevaluate` from synchronous code."""
    work = aevaluate(
        workspace,
        rows,
        methods,
        ks,
        settings,
        classes,
        out_of_scope=out_of_scope,
        min_score=min_score,
        on_update=on_update,
    )
    return PORTAL.run(work)


def check_rows(workspace: Workspace, rows: Sequence[ItemRow]) -> None:
    """Raise InputError if there are no items, or a gold label is not in the index."""
    if not rows:
        raise InputError("no items to evaluate; give a file with texts and gold labels")
    known = set(workspace.index.label_ids())
    for row in rows:
        for label in row.gold:
            if label not in known:
                where = row.place or repr(row.item.id)
                raise InputError(
                    f"{where}: the gold label {label!r} is not in the index; import its labels, or correct it"
                )


def check_out_of_scope(rows: Sequence[ItemRow], out_of_scope: Collection[ItemId]) -> None:
    """Raise InputError if an item that fits no label has gold labels."""
    for row in rows:
        if row.gold and row.item.id in out_of_scope:
            raise InputError(
                f"{row.place or repr(row.item.id)}: the text is said to fit no label, and has the gold label "
                f"{row.gold[0]!r}; give one of the two"
            )


def least_score(workspace: Workspace) -> float:
    """Return the score below which `classify` gives no label; minus infinity where it has none."""
    shown = scores_of(workspace)
    default = UNLIKELY if shown.calibration is not None else -math.inf
    return default if shown.min_score is None else shown.min_score


def score_method_refusals(
    rows: Sequence[ItemRow], outcome: Outcome, out_of_scope: Collection[ItemId], least: float
) -> RefusalScores | None:
    """Score how a method refuses the items that fit no label, among these and those with gold labels."""
    judged = [row.item.id for row in rows if row.gold or row.item.id in out_of_scope]
    if not any(item in out_of_scope for item in judged):
        return None
    scores = [outcome.confidence.get(item, 0.0) for item in judged] if outcome.confidence else None
    refused = [
        not outcome.predictions.get(item) or outcome.confidence.get(item, least) < least for item in judged
    ]
    return score_refusals([item in out_of_scope for item in judged], refused, scores)


def answered_rows(rows: Sequence[ItemRow], outcomes: Iterable[Outcome]) -> list[ItemRow]:
    """Return the items about which no request of any method failed."""
    failed = frozenset[ItemId]().union(*(outcome.failed for outcome in outcomes))
    return [row for row in rows if row.item.id not in failed]


def score_methods(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    predictions: Mapping[str, Predictions],
    ks: Sequence[int],
    only: Collection[LabelId] | None = None,
) -> dict[str, Quality]:
    """Score each method's predictions; ancestors are from the index, differences from the first method.

    With `only`, other gold labels are ignored, and items without any of these are left out.
    """
    gold = [[label for label in row.gold if only is None or label in only] for row in rows]
    kept = [(row.item.id, labels) for row, labels in zip(rows, gold, strict=True) if labels]
    if not kept:
        return {method: Quality(None) for method in predictions}
    right = [labels for _, labels in kept]
    ranked = {
        method: [list(by_item.get(item, ())) for item, _ in kept] for method, by_item in predictions.items()
    }
    every = (label for rankings in [right, *ranked.values()] for labels in rankings for label in labels)
    paths = workspace.index.paths_of(list(dict.fromkeys(every)))
    measured = measure_methods(ranked, right, Hierarchy(paths), ks)
    base: Mapping[str, Sampled] = next(iter(measured.values()))
    found: dict[str, Quality] = {}
    for method, values in measured.items():
        scores = replace(score(ranked[method], right, paths, ks), without_gold=len(rows) - len(kept))
        differences = {} if values is base else {name: each.less(base[name]) for name, each in values.items()}
        found[method] = Quality(scores, {name: each.interval() for name, each in values.items()}, differences)
    return found


def score_methods_by_class(
    rows: Sequence[ItemRow],
    outcomes: Mapping[str, Outcome],
    probable: Collection[str],
    examples: Mapping[LabelId, int] | None,
) -> dict[str, ClassQuality]:
    """Score each method's first predictions by class; the calibration of those named in `probable` too."""
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


def count_examples(
    workspace: Workspace, settings: MethodSettings, methods: Sequence[ChosenMethod]
) -> dict[LabelId, int] | None:
    """Count the training products of each class: the labelled examples, else those of the named expert.

    Returns None without either.
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


def report_method(
    method: str,
    quality: Quality,
    outcome: Outcome,
    classes: ClassQuality | None = None,
    by_label: tuple[LabelQuality, ...] = (),
    refusal: RefusalScores | None = None,
) -> MethodReport:
    """Combine quality and cost."""
    totals = outcome.totals
    return MethodReport(
        method=method,
        quality=quality,
        requests=totals.requests,
        comparisons=totals.comparisons,
        asked=outcome.asked,
        prompt_tokens=totals.prompt_tokens,
        completion_tokens=totals.completion_tokens,
        reused_tokens=totals.reused_tokens,
        seconds=totals.seconds,
        failed=len(outcome.failed),
        predictions=outcome.predictions,
        classes=classes,
        verdicts=outcome.verdicts,
        by_label=by_label,
        failed_items=outcome.failed,
        refusal=refusal,
    )
