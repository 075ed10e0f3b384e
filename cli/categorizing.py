"""Categorize from the command line: stream, count who decided, and say how to go on when it is broken off."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from taxonaut.cli.item_input import ItemInput
from taxonaut.cli.labelling import continued, streamed
from taxonaut.cli.progress import Bar
from taxonaut.cli.terminal import counted
from taxonaut.state.records import Item

if TYPE_CHECKING:
    from taxonaut.state.categorizing import Judged
    from taxonaut.state.decisions import Totals
    from taxonaut.state.expertise import Categorized
    from taxonaut.workspace.categorizing import Threshold
    from taxonaut.workspace.workspace import Workspace

Sink = Callable[[Item, "Categorized"], None]
"""Takes each item with what came of it, in order."""

VERDICTS = ("domain", "general", "none", "undecided", "blank", "failed")
SAID = {
    "domain": "the domain expert",
    "general": "the general expert",
    "none": "no candidate fits",
    "undecided": "undecided",
    "blank": "without text",
    "failed": "failed",
}


@dataclass(slots=True)
class Tally:
    """What a call did and what it cost. `verdicts` counts items by who decided."""

    expert: int
    threshold: "Threshold"
    verdicts: Counter[str] = field(default_factory=Counter)
    done: int = 0
    first_error: str = ""
    seconds: float = 0.0
    totals: "Totals | None" = None

    @property
    def items(self) -> int:
        """How many items have a result."""
        return self.verdicts.total()

    @property
    def failed(self) -> int:
        """How many items another run can ask about again."""
        return self.verdicts["failed"]

    def count(self, result: "Categorized") -> None:
        """Count one result."""
        self.verdicts[result.verdict] += 1
        self.first_error = self.first_error or result.error

    def row(self) -> dict[str, Any]:
        """Return the summary as JSON has it."""
        return {
            "items": self.items,
            "expert": self.expert,
            "threshold": None if self.threshold.origin == "everything" else self.threshold.value,
            "threshold_from": self.threshold.origin,
            "verdicts": {verdict: self.verdicts[verdict] for verdict in VERDICTS},
            "seconds": round(self.seconds, 3),
            "per_second": round(self.items / self.seconds, 1) if self.seconds else 0.0,
            "cost": asdict(self.totals) if self.totals is not None else {},
        }

    def lines(self, output: str | None) -> Iterator[str]:
        """Say it to a person."""
        from taxonaut.cli.assigning import cost

        assert self.totals is not None
        where = f" -> {output}" if output and output != "-" else ""
        rate = self.items / self.seconds if self.seconds else 0.0
        asked = cost(self.totals) if self.totals.requests else "no request to a general expert"
        yield f"{counted(self.items, 'item')}{where} in {self.seconds:,.1f} s ({rate:,.1f}/s); {asked}"
        shares = [
            f"{SAID[verdict]} {self.verdicts[verdict]:,} ({self.verdicts[verdict] / self.items:.1%})"
            for verdict in VERDICTS
            if self.verdicts[verdict]
        ]
        if shares:
            yield ", ".join(shares)
        yield f"expert {self.expert}, {told(self.threshold)}"


def told(threshold: "Threshold") -> str:
    """Say what the threshold is and where it comes from."""
    if threshold.origin == "everything":
        return "all items to the general expert"
    said = f"threshold {threshold.value:g}"
    if threshold.origin == "set":
        return said
    if threshold.origin == "default":
        return f"{said}, as none is set and no audit proposed one (taxonaut expert audit ITEMS)"
    stale = (
        "; that was with another model, index or other settings: audit again" if threshold.is_stale else ""
    )
    return f"{said}, as the last audit proposed{stale}"


def categorize_all(
    workspace: "Workspace",
    given: ItemInput,
    sink: AbstractContextManager[Sink],
    bar: Bar,
    how: dict[str, Any],
) -> Tally:
    """Categorize all items and hand each result to the sink, opened once nothing else stands in the way.

    Raises InterruptedWork on Ctrl-C, after what runs has been ended in order.
    """
    from taxonaut.workspace.categorizing import categorizing

    bar.stage("preparing")
    routing = categorizing(workspace, **how)
    tally = Tally(routing.card.number, routing.threshold)
    with continued(given, tally):
        if routing.compares_vectors:
            bar.stage("embedding labels")
            workspace.embed_labels(bar.at)
        before = routing.totals()
        bar.stage("categorizing", given.count)
        with sink as write:

            def take(item: Item, result: "tuple[Categorized, Judged | None]") -> None:
                tally.count(result[0])
                write(item, result[0])

            streamed(workspace, routing.results, given, take, bar, tally)
    tally.totals = routing.totals().since(before)
    return tally
