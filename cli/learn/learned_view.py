"""How learned versions are shown: measures before and after, changed answers, cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from taxonaut.cli.shared.session import Session
from taxonaut.cli.shared.terminal import clipped, counted, printable

if TYPE_CHECKING:
    from taxonaut.state.index.index import Index
    from taxonaut.workspace.core.learned_versions import LearnedCard
    from taxonaut.workspace.learn.gate import Comparison
    from taxonaut.workspace.learn.learning_run import Learned

MOST_CHANGES = 6
MOST_NODES = 5
LONGEST_TEXT = 60


def learned_row(done: Learned) -> dict[str, Any]:
    """Return what came of learning as JSON."""
    return {
        "version": done.version,
        "passed": done.passed,
        "adopted": done.adopted,
        "known": done.known,
        "round": done.best,
        "notes": list(done.notes),
        "card": card_row(done.card),
    }


def card_row(card: LearnedCard) -> dict[str, Any]:
    """Return a card as JSON."""
    row = asdict(card)
    return {"number": row.pop("number"), "made": row.pop("made"), **row}


def describe_learned(done: Learned, session: Session, index: Index) -> Iterator[str]:
    """Say what was learned, what the gate measured, and what to do next."""
    card, data = done.card, done.card.data
    for note in done.notes:
        yield f"note: {note}"
    if done.known:
        yield f"version {done.version} was learned from the same items with the same settings already"
    for each in card.measures.get("rounds", ()):
        marks = each["marks"]
        walked = (
            f"{counted(marks['items'], 'item')} walked: {counted(marks['hits'], 'hit')}, "
            f"{counted(marks['errors'], 'error')}, {marks['misses']:,} missed; "
            if marks["items"]
            else ""
        )
        yield f"round {each['number']}: {walked}measures change by {100 * each['gain']:+.1f} points on average"
    yield (
        f"version {done.version} (round {done.best}): {', '.join(card.learners)} on {counted(data['items'], 'item')} "
        f"of {counted(data['labels'], 'label')}"
    )
    yield from describe_sources(card)
    before = card.measures.get("compared_with")
    yield f"measured against {f'version {before}' if before else 'nothing learned'}, in % with 95 % intervals:"
    yield from describe_parts(card.measures["parts"])
    yield from describe_changes(card.measures["parts"], index)
    if done.adopted:
        yield f"version {done.version} is in use; to go back: {session.again('learn undo')}"
    elif not done.passed:
        yield "it did not pass the gate: " + why_not(card.measures["parts"])


def describe_sources(card: LearnedCard) -> Iterator[str]:
    """Say how much each source of scores counts."""
    for name, (weight, exponent) in card.sources.items():
        if not weight:
            yield f"  {name} adds nothing: no weight was better than none"
            continue
        unknown = card.unknown.get(name, 0.0)
        others = f", and {weight * unknown:g} to labels that it does not know" if unknown else ""
        yield f"  {name} adds {weight:g} x score ^ {exponent:g}{others}"


def describe_parts(parts: Mapping[str, Any]) -> Iterator[str]:
    """Write the measures of the gate as aligned lines."""
    for part, row in parts.items():
        for name in ("P@1", "R@10"):
            sides = row[name]
            title = f"{part} ({row['items']:,} items)"
            before, after = (100 * sides[side][0] for side in ("before", "after"))
            by, low, high = (100 * value for value in sides["change"])
            yield (
                f"  {title:<40} {name:<5} {before:5.1f} -> {after:5.1f}   {by:+5.1f} ({low:+.1f} to {high:+.1f})"
            )


def describe_changes(parts: Mapping[str, Any], index: Index) -> Iterator[str]:
    """Say which first labels changed, by node, and some of them."""
    name = NamedLabels(index)
    for part, row in parts.items():
        first = row["first_labels"]
        if not sum(first.values()) or part == "unseen labels":
            continue
        counts = ", ".join(f"{count:,} {kind}" for kind, count in first.items())
        yield f"first labels that changed on {part}: {counts}"
        nodes = sorted(row["nodes"].items(), key=lambda each: each[1][2] - each[1][1])
        picked = nodes if len(nodes) <= MOST_NODES else [*nodes[:3], *nodes[-2:]]
        for node, (items, better, worse) in picked:
            yield f"  {clipped(printable(node), 70)}: {better:,} better, {worse:,} worse of {counted(items, 'item')}"
        for each in pick_changes(row["changed"]):
            yield (
                f"  {each['kind']}: {clipped(printable(each['text']), LONGEST_TEXT)!r}: {name(each['before'])} -> "
                f"{name(each['after'])}"
            )


def pick_changes(changed: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Pick some changed answers, worse ones first and as many better ones."""
    half = MOST_CHANGES // 2
    worse = [each for each in changed if each["kind"] == "worse"][:half]
    better = [each for each in changed if each["kind"] == "better"][: MOST_CHANGES - len(worse)]
    return [*worse, *better]


def why_not(parts: Mapping[str, Any]) -> str:
    """Say why a version did not pass."""
    falls = [
        f"{name} of {part}"
        for part, row in parts.items()
        for name in ("P@1", "R@10")
        if row[name]["change"][2] < 0
    ]
    if falls:
        return f"{', '.join(falls)} fell by more than chance explains"
    return "nothing could be measured" if not parts else "the measures fell on average"


def describe_comparison(found: Comparison, index: Index) -> Iterator[str]:
    """Say how two versions differ on given items."""
    rows = {found.part: found.row()}
    yield from describe_parts(rows)
    yield from describe_changes(rows, index)


class NamedLabels:
    """Names labels for people; one that is gone is named by its id."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def __call__(self, label: Any) -> str:
        """Return the name of a label."""
        if label is None:
            return "no label"
        known = self.index.has_label(label)
        return clipped(printable(self.index.label(label).name if known else str(label)), LONGEST_TEXT)
