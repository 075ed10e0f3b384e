"""What a model could know that it should not: held-out events among the training ones, and what makes a line easy."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from taxonaut.recommend.interactions import Interactions, Query


@dataclass(frozen=True)
class Timeline:
    """A user's events as the held-out lines tell them; `first` is the place of the first held-out target."""

    events: tuple[int, ...]
    first: int
    broken: int


@dataclass(frozen=True)
class Leakage:
    """What was found between training and held-out lines.

    `events` held-out events stood in `sequences` training sequences and were cut off. `unplaced` sequences fit
    their user's held-out lines nowhere; whether they hold later events cannot be known, and they were left out.
    `broken` held-out lines do not go on where the user's line before stopped; a valid line that came after a
    test line of the same user would be one.
    """

    events: int
    sequences: int
    unplaced: int
    broken: int


def without_leakage(data: Interactions) -> tuple[Interactions, Leakage]:
    """Cut from the training sequences what a user's held-out lines ask for.

    Every user's held-out lines are chained into one timeline: each history must be the end of what came before
    it. A training sequence is kept as far as it ends where the first held-out target begins.
    """
    lines: dict[str, list[Query]] = defaultdict(list)
    for query in (*data.valid, *data.test):
        lines[query.user].append(query)
    timelines = {user: timeline(queries) for user, queries in lines.items()}
    train: dict[str, tuple[int, ...]] = {}
    events = sequences = unplaced = 0
    for user, sequence in data.train.items():
        kept = before_held_out(sequence, timelines[user]) if user in timelines else len(sequence)
        if kept is None:
            unplaced += 1
            continue
        events += len(sequence) - kept
        sequences += kept < len(sequence)
        if kept:
            train[user] = sequence[:kept]
    broken = sum(each.broken for each in timelines.values())
    found = Leakage(events, sequences, unplaced, broken)
    return replace(data, train=train), found


def timeline(queries: Sequence[Query]) -> Timeline:
    """Chain one user's lines, valid ones before test ones, in the order of the file."""
    events = [*queries[0].history, queries[0].target]
    broken = 0
    for query in queries[1:]:
        if tuple(events[-len(query.history) :]) != query.history:
            broken += 1
            events += query.history
        events.append(query.target)
    return Timeline(tuple(events), len(queries[0].history), broken)


def before_held_out(sequence: Sequence[int], line: Timeline) -> int | None:
    """Say how many items of a training sequence come before the user's first held-out target.

    The sequence may begin before the timeline, whose first history may have been cut, if it then goes on to the
    first target at least. None where it fits nowhere. Where it fits in several places, the one with the fewest
    held-out events counts.
    """
    size = len(sequence)
    places = range(min(0, line.first - size), len(line.events) - size + 1)
    kept = [
        max(0, min(size, line.first - place))
        for place in places
        if (place >= 0 or place + size >= line.first)
        and tuple(sequence[max(0, -place) :]) == line.events[max(0, place) : place + size]
    ]
    return max(kept, default=None)


def count_easy_lines(data: Interactions) -> list[tuple[str, str, str]]:
    """Count what makes lines easy or hard: (what, valid, test), shares in per cent of the lines."""
    prefixes = {
        (sequence[:place], sequence[place])
        for sequence in data.train.values()
        for place in range(1, len(sequence))
    }
    pairs = {(history[-1], target) for history, target in prefixes}
    trained = {item for sequence in data.train.values() for item in sequence}
    whole = {
        part: {(query.history, query.target) for query in queries}
        for part, queries in (("valid", data.valid), ("test", data.test))
    }
    earlier = {(query.user, query.target) for query in data.valid}
    later = {(query.user, query.target) for query in data.test}

    def share(test: Callable[[Query, str], bool]) -> tuple[str, str]:
        return (
            _percent([test(query, "valid") for query in data.valid]),
            _percent([test(query, "test") for query in data.test]),
        )

    other = {"valid": "test", "test": "valid"}
    users = {"valid": {query.user for query in data.valid}, "test": {query.user for query in data.test}}
    rows: list[tuple[str, str, str]] = [
        ("lines", f"{len(data.valid):,}", f"{len(data.test):,}"),
        ("users", f"{len(users['valid']):,}", f"{len(users['test']):,}"),
        ("lines of users that the other part has too", *share(lambda q, part: q.user in users[other[part]])),
        ("lines of users without a training sequence", *share(lambda q, _: q.user not in data.train)),
        (
            "history holds an item the same user is asked for in the other part",
            *share(
                lambda q, part: any(
                    (q.user, item) in (later if part == "valid" else earlier) for item in q.history
                )
            ),
        ),
        (
            "the same history and target are in the other part",
            *share(lambda q, part: (q.history, q.target) in whole[other[part]]),
        ),
        (
            "the same history and target are in training",
            *share(lambda q, _: (q.history, q.target) in prefixes),
        ),
        (
            "target follows the last item in training",
            *share(lambda q, _: (q.history[-1], q.target) in pairs),
        ),
        ("target is in the history", *share(lambda q, _: q.target in q.history)),
        ("target is the last item again", *share(lambda q, _: q.target == q.history[-1])),
        ("target is not in training", *share(lambda q, _: q.target not in trained)),
        ("last item is not in training", *share(lambda q, _: q.history[-1] not in trained)),
        ("history as long as the longest", *share(lambda q, _: len(q.history) == data.longest)),
    ]
    return rows


def describe_leakage(data: Interactions, found: Leakage) -> Iterator[str]:
    """Say what was found, a sentence a line."""
    transitions = sum(len(sequence) - 1 for sequence in data.train.values())
    yield (
        f"Training: {len(data.train):,} sequences, {transitions:,} transitions, "
        f"{len({item for sequence in data.train.values() for item in sequence}):,} of {len(data.items):,} items."
    )
    yield (
        f"Held-out events in training sequences: {found.events}, in {found.sequences} sequences"
        + ("; they were cut off." if found.events else ".")
    )
    yield (
        f"Training sequences that fit their user's held-out lines nowhere: {found.unplaced}"
        + ("; they were left out." if found.unplaced else ".")
    )
    yield f"Held-out lines that do not go on where the same user's line before stopped: {found.broken}."


def _percent(values: Sequence[bool]) -> str:
    return f"{100 * sum(values) / len(values):.1f} %" if values else "–"
