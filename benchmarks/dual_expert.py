"""Dual-Expert's tables on catalogues (Dual-Expert 4, tables 2 to 4): what each part of the two experts is worth.

python benchmarks/dual_expert.py methods                              # all methods, bigbasket and flipkart
python benchmarks/dual_expert.py training --set flipkart --seeds 3    # table 3: augmentation, phases 1 and 2
python benchmarks/dual_expert.py noise --set flipkart --seeds 3       # a fifth of the training labels are wrong
python benchmarks/dual_expert.py asking --set flipkart --limit 300 --general gguf/smollm2-135m-instruct   # table 4
python benchmarks/dual_expert.py speed --set flipkart                 # products a second

All learn from `train` and are judged on `dev`, which no expert has seen: what it stops and scales by is a part of
`train` that it holds out. Numbers of several seeds are means ± their standard deviation.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from common import arguments, items, print_markdown, workspace
from taxonaut.agents.domain_expert import DomainExpert
from taxonaut.evaluation.harness import MethodReport, count_examples, evaluate
from taxonaut.evaluation.measures.classes import BANDS, ClassScores, class_scores
from taxonaut.evaluation.methods.method import MethodSettings
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.state.db.connection import Database
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.workspace.core.config import ExpertConfig
from taxonaut.workspace.core.intervals import Interval
from taxonaut.workspace.expert.definitions import define
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

METHODS = "expert,dual,general,tfidf-svm,linear-head,knn,fasttext,navigate"
SHOWN = ("leaf", "path", "name", "definition")
ASK = ("choose", "rank", "think")
CHUNK = 256
"""Products that the embedder and the expert take turns with."""

PLAIN: Mapping[str, Any] = {"augment": 0.0, "focal": False, "bootstrap": False}


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("table", choices=list(TABLES), help="which table to print")
    parser.add_argument("--set", default="bigbasket,flipkart", help="catalogues, divided by commas")
    parser.add_argument("--limit", type=int, default=None, help="only N products of dev, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--seeds", type=int, default=3, help="training, noise: how often each expert is trained"
    )
    parser.add_argument("--methods", default=METHODS, help="methods: those to compare")
    parser.add_argument("--general", default=None, help="asking, methods: the general expert's model")
    parser.add_argument("--only", default=None, help="training, noise: some rows, divided by commas")
    parser.add_argument("--noise", type=float, default=0.2, help="noise: share of labels replaced")
    parser.add_argument("--define", action="store_true", help="asking: let the model define categories first")


def main() -> None:
    """Print the table for each set."""
    options = arguments(__doc__, add)
    for name in options.set.split(","):
        settings: dict[str, Any] = {}
        if options.general is not None:
            settings["models"] = {"general_expert": {"model": options.general}}
        with workspace(options, name, **settings) as opened:
            print(f"\n`{command(options, name)}`\n")
            print_markdown(TABLES[options.table](opened, options, name))


def command(options: argparse.Namespace, name: str) -> str:
    """Return the command that prints one set's table."""
    told = [f"python benchmarks/dual_expert.py {options.table} --set {name}"]
    told += [f"--limit {options.limit}"] if options.limit else []
    told += [f"--seeds {options.seeds}"] if options.table in ("training", "noise") else []
    told += [f"--general {options.general}"] if options.general else []
    return " ".join(told)


def products(options: argparse.Namespace, name: str) -> list[ItemRow]:
    """Return the products that are judged: all of dev, or a sample."""
    rows = items(options, name, "dev")
    if options.limit and options.limit < len(rows):
        rows = random.Random(options.seed).sample(rows, options.limit)
    return rows


def methods(opened: Workspace, options: argparse.Namespace, name: str) -> list[list[str]]:
    """Compare all methods; an expert is trained first if none was."""
    learnt, rows = items(options, name, "train"), products(options, name)
    if any(each.partition(":")[0] in ("expert", "dual", "general") for each in options.methods.split(",")):
        trained_once(opened, learnt)
    settings = MethodSettings(examples=learnt, seed=options.seed)
    report = evaluate(opened, rows, options.methods.split(","), settings=settings, classes=True)
    head = ["method", "accuracy", "weighted P", "R", "F1", "macro-F1", *BANDS, "ECE", "requests", "seconds"]
    return [head, *map(method_row, report.methods)]


def method_row(method: MethodReport) -> list[str]:
    """Write one method's row; bands are accuracies."""
    assert method.classes is not None
    scores = method.classes.scores
    return [
        method.method,
        bounded(method.classes.intervals["accuracy"]),
        *(f"{100 * value:.1f}" for value in (scores.precision, scores.recall, scores.f1)),
        bounded(method.classes.intervals["macro_f1"]),
        *(f"{100 * band.accuracy:.1f} ({band.items})" for band in scores.bands.values()),
        "–" if scores.ece is None else f"{100 * scores.ece:.1f}",
        f"{method.requests:,}",
        f"{method.seconds:.1f}",
    ]


def bounded(value: Interval) -> str:
    """Write a share and half of its interval."""
    return f"{100 * value.value:.1f} ±{50 * (value.high - value.low):.1f}"


def trained_once(opened: Workspace, learnt: Sequence[ItemRow]) -> None:
    """Train an expert as the settings have it, unless the workspace has one."""
    if not opened.experts.cards():
        opened.train_expert(learnt)


def variants() -> dict[str, dict[str, Any]]:
    """Return the settings of table 3's rows: ridge regression; by gradient all three ideas, each left out, none."""
    default = ExpertConfig()
    every = {"augment": default.augment or 0.5, "focal": True, "bootstrap": True, "epochs": default.epochs}
    return {
        "ridge regression (default)": {},
        "all": every,
        "without augmentation": {**every, "augment": 0.0},
        "without phase 1": {**every, "focal": False},
        "without phase 2": {**every, "bootstrap": False},
        "augmentation alone": {**PLAIN, "augment": every["augment"], "epochs": default.epochs},
        "none of them (cross-entropy)": {**PLAIN, "epochs": default.epochs},
    }


def asked_for(rows: Mapping[str, dict[str, Any]], only: str | None) -> dict[str, dict[str, Any]]:
    """Return the rows that a person wants, all by default."""
    wanted = [each.strip() for each in only.split(",")] if only else list(rows)
    return {title: rows[title] for title in wanted}


def training(opened: Workspace, options: argparse.Namespace, name: str) -> list[list[str]]:
    """Print table 3's ablation of the domain expert."""
    learnt, rows = items(options, name, "train"), products(options, name)
    table = [["domain expert", "accuracy", "weighted F1", "macro-F1", "tail", "zero-shot", "ECE", "seconds"]]
    for title, settings in asked_for(variants(), options.only).items():
        found = [measured(opened, learnt, rows, {**settings, "seed": seed}) for seed in range(options.seeds)]
        scores = [each for each, _ in found]
        table.append(
            [
                title,
                spread([each.accuracy for each in scores]),
                spread([each.f1 for each in scores]),
                spread([each.macro_f1 for each in scores]),
                spread([each.bands["tail"].accuracy for each in scores]),
                spread([each.bands["zero-shot"].accuracy for each in scores]),
                spread([each.ece or 0.0 for each in scores]),
                f"{statistics.fmean(seconds for _, seconds in found):.0f}",
            ]
        )
    return table


def measured(
    opened: Workspace, learnt: Sequence[ItemRow], rows: Sequence[ItemRow], settings: Mapping[str, Any]
) -> tuple[ClassScores, float]:
    """Train an expert under settings of [expert], judge it, and delete it; with the seconds of training."""
    with trained(opened, learnt, settings) as (expert, seconds):
        found = expert.predict([row.item for row in rows])
    given = [each.labels[0] if each.labels else None for each in found]
    examples = count_examples(opened, MethodSettings(examples=learnt), ())
    scores = class_scores(given, [row.gold for row in rows], examples, [each.confidence for each in found])
    return scores, seconds


@contextmanager
def trained(
    opened: Workspace, learnt: Sequence[ItemRow], settings: Mapping[str, Any]
) -> Iterator[tuple[DomainExpert, float]]:
    """Give an expert of its own settings for a while, with the seconds that it took."""
    opened.wiring.stored.lookup([row.item.text for row in learnt])
    config = ExpertConfig(**{**opened.config.expert.model_dump(exclude_unset=True), **settings})
    changed = opened.with_table("expert", config)
    started = time.perf_counter()
    card = changed.train_expert(learnt)
    seconds = time.perf_counter() - started
    try:
        yield DomainExpert(changed.experts.classifier(card.number)), seconds
    finally:
        changed.experts.remove(card.number)


def spread(values: Sequence[float]) -> str:
    """Write the mean of some shares, with their standard deviation."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{100 * statistics.fmean(values):.1f} ±{100 * deviation:.1f}"


def noise(opened: Workspace, options: argparse.Namespace, name: str) -> list[list[str]]:
    """Print what wrong training labels cost under each loss; the products that judge are as they were."""
    learnt, rows = items(options, name, "train"), products(options, name)
    losses = {
        "squared (ridge regression, default)": {},
        "cross-entropy": {"focal": False, "bootstrap": False, "epochs": ExpertConfig().epochs},
        "focal (phase 1)": {"focal": True, "bootstrap": False},
        "bootstrap (phase 2)": {"focal": False, "bootstrap": True},
        "focal, then bootstrap": {"focal": True, "bootstrap": True},
    }
    table = [["loss", "accuracy", f"{options.noise:.0%} wrong labels", "points lost"]]
    for title, settings in asked_for(losses, options.only).items():
        clean, wrong = [], []
        for seed in range(options.seeds):
            own = {**settings, "seed": seed}
            clean.append(measured(opened, learnt, rows, own)[0].accuracy)
            wrong.append(measured(opened, mislabelled(learnt, options.noise, seed), rows, own)[0].accuracy)
        lost = [before - after for before, after in zip(clean, wrong, strict=True)]
        table.append([title, spread(clean), spread(wrong), spread(lost)])
    return table


def mislabelled(rows: Sequence[ItemRow], share: float, seed: int) -> list[ItemRow]:
    """Replace the labels of a share of products by one other label of the set, each drawn at random."""
    draw = random.Random(seed)
    labels = sorted({label for row in rows for label in row.gold})
    wrong = set(draw.sample(range(len(rows)), round(share * len(rows))))
    return [
        replace(row, gold=(another(labels, row.gold, draw),)) if place in wrong else row
        for place, row in enumerate(rows)
    ]


def another(labels: Sequence[LabelId], gold: Sequence[LabelId], draw: random.Random) -> LabelId:
    """Draw a label that is not among some; one of them where there is no other."""
    others = [label for label in labels if label not in gold]
    return draw.choice(others or list(gold))


def asking(opened: Workspace, options: argparse.Namespace, name: str) -> list[list[str]]:
    """Print table 4: each way to show a category and to ask, the general expert deciding every product."""
    learnt, rows = items(options, name, "train"), products(options, name)
    trained_once(opened, learnt)
    recommended = opened.categorize([row.item for row in rows], threshold=0)
    offered = [set(each.recommended.labels) for each in recommended]
    if options.define:
        define(opened, sorted(set().union(*offered)))
    ways = [f"general:shown={shown}:ask={ask}" for ask in ASK for shown in SHOWN]
    report = evaluate(opened, rows, ["expert", *ways], settings=MethodSettings(examples=learnt))
    reached = sum(bool(found & set(row.gold)) for found, row in zip(offered, rows, strict=True)) / len(rows)
    model = opened.config.models.general_expert.model
    table = [
        ["asked", "shown", "accuracy", "macro-F1", "none fits", "undecided", "failed", "requests", "seconds"]
    ]
    for method in report.methods:
        assert method.classes is not None
        own = dict(part.split("=") for part in method.method.split(":")[1:])
        table.append(
            [
                own.get("ask", "domain expert alone"),
                own.get("shown", ""),
                bounded(method.classes.intervals["accuracy"]),
                bounded(method.classes.intervals["macro_f1"]),
                *(str(method.verdicts.get(verdict, 0)) for verdict in ("none", "undecided", "failed")),
                f"{method.requests:,}",
                f"{method.seconds:.1f}",
            ]
        )
    print(f"{len(rows):,} products, {model}; the right category is a candidate of {100 * reached:.1f} %\n")
    return table


def speed(opened: Workspace, options: argparse.Namespace, name: str) -> list[list[str]]:
    """Print products a second, with vectors kept and without; the latter beside the embedder alone, in turns."""
    learnt, texts = items(options, name, "train"), [row.item.text for row in products(options, name)]
    trained_once(opened, learnt)
    wiring, embedder = opened.wiring, opened.wiring.embedder_for(opened.config.embeddings)
    wiring.stored.lookup(texts)
    kept = DomainExpert(opened.experts.classifier())
    made = [Item(ItemId(str(place)), text) for place, text in enumerate(texts)]
    kept.predict(made[:CHUNK])
    fast = min(seconds(lambda: kept.recommend_now(made)) for _ in range(3))

    wiring.stored = StoredEmbedder(embedder, Embeddings(Database.in_memory()))
    fresh = DomainExpert(opened.experts.classifier())
    fresh.predict([Item(made[0].id, "a product to warm up with")])
    alone, together = 0.0, 0.0
    for number, start in enumerate(range(0, len(made), CHUNK)):
        part = made[start : start + CHUNK]
        turns: list[Callable[[], object]] = [
            lambda part=part: embedder.embed([item.text for item in part]),  # type: ignore[misc]
            lambda part=part: fresh.recommend_now(part),  # type: ignore[misc]
        ]
        taken = {turn: seconds(turns[turn]) for turn in ((0, 1) if number % 2 else (1, 0))}
        alone, together = alone + taken[0], together + taken[1]
    return [
        ["domain expert", "products a second", "beside the embedder alone"],
        ["vectors kept", f"{len(made) / fast:,.0f}", "–"],
        ["vectors computed", f"{len(made) / together:,.0f}", f"{together / alone:.3f} of its time"],
        ["the embedder alone", f"{len(made) / alone:,.0f}", "1"],
    ]


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


Table = Callable[[Workspace, argparse.Namespace, str], list[list[str]]]
TABLES: Mapping[str, Table] = {
    "methods": methods,
    "training": training,
    "noise": noise,
    "asking": asking,
    "speed": speed,
}

if __name__ == "__main__":
    main()
