"""Which of a person's labels are new to an index, which it has already, and which it cannot take."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index import Index
from taxonaut.state.records import Label
from taxonaut.tools.propose_category import folded

SHOWN = 5
LONGEST = 80


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Labels given, each once: those not in the index, those in it that stand in no node, and the others.

    `described` are those of the others whose description differs from the index's, which stays.
    """

    new: tuple[Label, ...]
    homeless: tuple[Label, ...]
    known: tuple[LabelId, ...]
    described: tuple[LabelId, ...]

    @property
    def coming(self) -> tuple[Label, ...]:
        """All that need a place."""
        return (*self.homeless, *self.new)


def arrivals(index: Index, labels: Sequence[Label]) -> Arrivals:
    """Compare labels with the index by id; raises InputError for an id that has another name there."""
    given = once(labels)
    present = {label.id: label for label in index.labels([id_ for id_ in given if index.has_label(id_)])}
    clashes = [(given[id_], there) for id_, there in present.items() if given[id_].name != there.name]
    if clashes:
        raise InputError(refusal(clashes))
    homeless = tuple(there for id_, there in present.items() if not index.placements_of(id_))
    standing = tuple(id_ for id_ in present if index.placements_of(id_))
    return Arrivals(
        new=tuple(label for id_, label in given.items() if id_ not in present),
        homeless=homeless,
        known=standing,
        described=tuple(id_ for id_ in standing if given[id_].description != present[id_].description),
    )


def once(labels: Sequence[Label]) -> dict[LabelId, Label]:
    """Return labels by id; one given again must be the same."""
    given: dict[LabelId, Label] = {}
    for label in labels:
        if not label.name.strip():
            raise InputError(f"label {label.id!r} has no name; give each label one")
        first = given.setdefault(label.id, label)
        if first.name != label.name:
            raise InputError(
                f"the id {label.id!r} is given twice, as {first.name[:LONGEST]!r} and as {label.name[:LONGEST]!r}; "
                "give each label an id of its own"
            )
    return given


def refusal(clashes: Sequence[tuple[Label, Label]]) -> str:
    """Say which ids have another name in the index, and what to do."""
    shown = "; ".join(
        f"{here.id!r} is {there.name[:LONGEST]!r} in the index and {here.name[:LONGEST]!r} now"
        for here, there in clashes[:SHOWN]
    )
    more = f"; and {len(clashes) - SHOWN:,} more" if len(clashes) > SHOWN else ""
    return (
        f"{len(clashes):,} of the labels have an id that belongs to another name: {shown}{more}. Nothing was "
        "added. Give a new label an id of its own (--id-column); to go on with the old one, give it the name "
        "it has in the index (what a node is called is changed with: taxonaut index rename)"
    )


def twins(
    index: Index, labels: Sequence[Label], inserted: Mapping[LabelId, Sequence[NodeId]]
) -> dict[LabelId, tuple[LabelId, ...]]:
    """Return labels with the same name as others: but for case anywhere in the index, and but for accents,
    punctuation and plural among what stands in the same nodes and what came along.

    Costs one look at the names, and what the nodes hold.
    """
    names = {label.id: folded(label.name) for label in labels}
    cased: defaultdict[str, list[LabelId]] = defaultdict(list)
    for label in index.labels_named([label.name for label in labels]):
        cased[label.name.lower()].append(label.id)
    alike: defaultdict[str, list[LabelId]] = defaultdict(list)
    for label in labels:
        alike[names[label.id]].append(label.id)
    for label in standing_in(index, inserted.values()):
        alike[folded(label.name)].append(label.id)
    found = {}
    for label in labels:
        others = dict.fromkeys([*cased[label.name.lower()], *alike[names[label.id]]])
        others.pop(label.id, None)
        if others:
            found[label.id] = tuple(others)
    return found


def standing_in(index: Index, nodes: Iterable[Sequence[NodeId]]) -> list[Label]:
    """Return the labels that stand in any of some nodes."""
    wanted = list(dict.fromkeys(node for each in nodes for node in each))
    ids = dict.fromkeys(id_ for labels in index.labels_under(wanted).values() for id_ in labels)
    return index.labels(list(ids))
