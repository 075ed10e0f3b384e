"""What was measured, as tables and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from taxonaut.recommend.interactions import Interactions
from taxonaut.recommend.next_item_baselines import popularity, successors
from taxonaut.recommend.rank_measures import CUTS, NAMES, measures, over_seeds

Measures = Mapping[str, float]


@dataclass(frozen=True)
class Critique:
    """What limiting the answers did: one entry a seed; shares are over the test lines."""

    limited: tuple[Measures, ...]
    items_left: float
    target_lost: float


@dataclass(frozen=True)
class Row:
    """One line of the table: measures a seed, on both parts, and what it cost."""

    name: str
    valid: tuple[Measures, ...]
    test: tuple[Measures, ...]
    unseen: tuple[float, ...] = ()
    tokens: int = 0
    slots: int = 0
    parameters: int = 0
    seconds: tuple[float, ...] = ()
    epochs: tuple[int, ...] = ()
    settings: str = ""
    tried: Mapping[str, float] = field(default_factory=dict)
    critique: Critique | None = None

    def as_json(self) -> dict[str, Any]:
        """Return all of it, with mean and standard deviation."""
        return {**asdict(self), "mean_and_deviation": over_seeds(self.test)}


def baseline_rows(data: Interactions) -> list[Row]:
    """Measure what needs no training."""
    return [
        Row(name, (measures(rank(data, data.valid)),), (measures(rank(data, data.test)),))
        for name, rank in (("popularity", popularity), ("successors", successors))
    ]


def table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return the main table; measures in per cent, mean ± standard deviation over seeds."""
    found: list[tuple[str, ...]] = [
        (
            "test",
            *NAMES,
            f"Recall@{CUTS[-1]}, target not in training",
            f"valid NDCG@{CUTS[-1]}",
            "settings",
            "slots",
            "tokens",
            "parameters",
            "epochs",
            "seconds",
        )
    ]
    for row in rows:
        unseen = over_seeds([{"unseen": each} for each in row.unseen])["unseen"] if row.unseen else None
        found.append(
            (
                row.name,
                *(_cell(over_seeds(row.test)[name], len(row.test)) for name in NAMES),
                _cell(unseen, len(row.unseen)) if unseen else "–",
                _cell(over_seeds(row.valid)[f"NDCG@{CUTS[-1]}"], len(row.valid)),
                row.settings or "–",
                *(f"{count:,}" if count else "–" for count in (row.slots, row.tokens, row.parameters)),
                _mean(row.epochs),
                _mean(row.seconds),
            )
        )
    return found


def settings_table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return what each setting reached on `valid` with the first seed."""
    names = list(dict.fromkeys(name for row in rows for name in row.tried))
    return [
        (f"valid NDCG@{CUTS[-1]}, first seed", *names),
        *((row.name, *(f"{100 * row.tried[name]:.2f}" for name in names)) for row in rows if row.tried),
    ]


def critique_table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return what limiting the answers to items with a fitting first token does, a measure a line."""
    found: list[tuple[str, ...]] = [
        ("first token", "measure", "unlimited", "limited", "more", "items left", "target not among them")
    ]
    for row in rows:
        if row.critique is None:
            continue
        before, after = over_seeds(row.test), over_seeds(row.critique.limited)
        for name in NAMES:
            more = after[name][0] / before[name][0] - 1 if before[name][0] else 0.0
            found.append(
                (
                    row.name,
                    name,
                    _cell(before[name], len(row.test)),
                    _cell(after[name], len(row.test)),
                    f"{100 * more:+.1f} %",
                    f"{100 * row.critique.items_left:.1f} %",
                    f"{100 * row.critique.target_lost:.1f} %",
                )
            )
    return found


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Write rows under their header as a Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])


def _cell(value: tuple[float, float], seeds: int) -> str:
    return f"{100 * value[0]:.2f} ±{100 * value[1]:.2f}" if seeds > 1 else f"{100 * value[0]:.2f}"


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.0f}" if values else "–"
