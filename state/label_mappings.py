"""Where the ids of labels went that are not answered any more: merged, split, retired, or replaced by another id."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from taxonaut.state.ids import LabelId

RetiringKind = Literal["merged", "split", "retired"]
"""Why a label is retired."""

MappingKind = Literal[RetiringKind, "renamed"]
"""Why an id is not answered any more; `renamed`: the label has another id now."""

RENAMED: Literal["renamed"] = "renamed"

MAPPING_COLUMNS = ("old", "new", "kind", "made", "reason", "name", "former")


@dataclass(frozen=True, slots=True)
class LabelMapping:
    """Where one label id went, since when (UTC, ISO 8601) and why.

    `new` are the ids of its successors at that time, none for a label without one. `name` is the label's name at that
    time. `former` is where a retired label stood, JSON for `Index.restore_labels`.
    """

    old: LabelId
    new: tuple[LabelId, ...]
    kind: MappingKind
    at: str
    reason: str = ""
    name: str = ""
    former: str = field(default="", repr=False)

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> "LabelMapping":
        """Read a row of an event."""
        old, new, kind, at, reason, name, former = row
        return cls(LabelId(old), tuple(LabelId(id_) for id_ in new), kind, at, reason, name, former)

    def row(self) -> list[Any]:
        """Return the row for an event."""
        return [self.old, list(self.new), self.kind, self.at, self.reason, self.name, self.former]


@dataclass(frozen=True, slots=True)
class LabelResolution:
    """What a label id stands for today.

    `labels` are the live labels: one if the id is `live` or was `mapped`; several if it is `ambiguous`, none if it is
    `gone` or `unknown`. `steps` are the mappings that led there.
    """

    given: LabelId
    labels: tuple[LabelId, ...]
    kind: Literal["live", "mapped", "ambiguous", "gone", "unknown"]
    steps: tuple[LabelMapping, ...] = ()


def resolve_label(
    mappings: Mapping[LabelId, LabelMapping], known: Collection[LabelId], label: LabelId
) -> LabelResolution:
    """Follow the mappings of an id to live labels. `known`: the ids of all labels, retired ones included."""
    if label not in mappings:
        return (
            LabelResolution(label, (label,), "live")
            if label in known
            else LabelResolution(label, (), "unknown")
        )
    steps: dict[LabelId, LabelMapping] = {}
    found: dict[LabelId, None] = {}
    waiting = [label]
    while waiting:
        each = waiting.pop(0)
        step = mappings.get(each)
        if step is None:
            if each in known:
                found[each] = None
        elif each not in steps:
            steps[each] = step
            waiting.extend(step.new)
    kind: Literal["mapped", "ambiguous", "gone"] = (
        "gone" if not found else "mapped" if len(found) == 1 else "ambiguous"
    )
    return LabelResolution(label, tuple(found), kind, tuple(steps.values()))


def describe_mapping(mapping: LabelMapping) -> str:
    """Say in a few words where an id went."""
    to = " and ".join(map(repr, mapping.new))
    since = f"since {mapping.at[:10]}"
    match mapping.kind:
        case "renamed":
            return f"is the former id of {to} {since}"
        case "merged":
            return f"is merged into {to} {since}"
        case "split":
            return f"is split into {to} {since}"
        case _:
            return f"is retired {since}" + (f", replaced by {to}" if to else "")
