"""Rules about sharing: what stands in `system` is read once a run, in `context` once a node, in `item` every time."""

from collections.abc import Iterator, Mapping
from typing import Any

from taxonaut.models.token_count import Counter
from taxonaut.workspace.prompt_subject import ITEM_ONLY, MASK, Finding, Subject, rendering

RULE = "sharing"

OF_THE_RUN = frozenset({"task"})
"""Variables that stay the same for a whole run."""

MOST_REPEATED = 20
"""Tokens of instructions in `item`, beyond the packaged ones, from which on something is said."""


def unshared_system(subject: Subject, count: Counter, each: str) -> Iterator[Finding]:
    """Find what makes `system` differ within a run, and what that costs."""
    allowed = OF_THE_RUN | set(subject.packaged.uses["system"])
    used = {
        name: place
        for name, place in subject.own.uses["system"].items()
        if name not in allowed and name in subject.declared and name != ITEM_ONLY
    }
    for name, place in used.items():
        cost = max((lost(subject, sample, name, count) for sample in subject.samples), default=(0, 0))
        told = f"`{name}` differs from {each} to {each}, so `system` is no longer shared by all of them"
        if cost[0]:
            told += f": {cost[0]} of its {cost[1]} tokens are read again each time"
        yield Finding("warning", RULE, f"{told}; put it into context", "system", place.file, place.line)
    if not used and differing(subject):
        yield subject.finding("warning", RULE, "`system` is not the same in all recorded decisions", "system")


def lost(subject: Subject, sample: Mapping[str, Any], name: str, count: Counter) -> tuple[int, int]:
    """Return how many tokens of `system` are no longer shared once a variable differs, and how many it has."""
    one = rendering(subject.own.prompt, sample, subject.unknown).get("system")
    other = rendering(subject.own.prompt, {**sample, name: changed(sample.get(name))}, subject.unknown).get(
        "system"
    )
    if one is None or other is None or one == other:
        return 0, 0
    pairs = enumerate(zip(one, other, strict=False))
    shared = next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
    return count(one[shared:]), count(one)


def changed(value: Any) -> Any:
    """Return a value like this one that is another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return MASK + value
    if isinstance(value, Mapping):
        return {key: changed(each) if key in ("id", "name") else each for key, each in value.items()}
    if isinstance(value, list):
        return [changed(each) for each in value] or value
    return value


def differing(subject: Subject) -> bool:
    """Whether `system` comes out differently though all that may differ in it is the same."""
    kept = OF_THE_RUN | set(subject.packaged.uses["system"])
    texts: dict[str, set[str]] = {}
    for sample, blocks in zip(subject.samples, subject.rendered, strict=True):
        key = repr([(name, sample.get(name)) for name in sorted(kept)])
        texts.setdefault(key, set()).add(blocks.get("system", ""))
    return any(len(found) > 1 for found in texts.values())


def repeated(subject: Subject, count: Counter) -> Iterator[Finding]:
    """Find instructions in `item`, which is read anew for every item."""
    if not subject.samples:
        return
    blank = {**subject.samples[0], ITEM_ONLY: ""}
    own, packaged = (
        count(rendering(version.prompt, blank, subject.unknown).get("item", ""))
        for version in (subject.own, subject.packaged)
    )
    if own - packaged > MOST_REPEATED:
        yield subject.finding(
            "warning",
            RULE,
            f"{own} tokens of `item` are the same for every item ({packaged} in the packaged one) and read again for "
            "each; in system they are read once a run",
            "item",
        )
