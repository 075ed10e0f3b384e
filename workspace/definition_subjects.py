"""The categories to define: their neighbours, and the products that stand for them (Dual-Expert 3.2.2)."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from taxonaut.agents.architect import shown
from taxonaut.agents.definition_writer import Subject
from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.packing import dump
from taxonaut.state.records import Item
from taxonaut.tools.choose_examples import POOL, choose_examples
from taxonaut.workspace.category_texts import category_paths
from taxonaut.workspace.expert_data import Example, inner_labels
from taxonaut.workspace.tree_builder import Progress, silent

if TYPE_CHECKING:
    from taxonaut.workspace.workspace import Workspace

AT_ONCE = 4096
"""Texts that are embedded together."""

SIBLINGS = 12
"""Neighbours that a prompt names; of more, those whose names are nearest."""


def categories(workspace: "Workspace", examples: Mapping[LabelId, Sequence[Example]]) -> list[LabelId]:
    """Return the categories: leaves of the index, and inner ones that have products, in import order."""
    inner = inner_labels(workspace.index)
    return [label for label in workspace.index.label_ids() if label not in inner or label in examples]


def subjects(
    workspace: "Workspace",
    labels: Sequence[LabelId],
    examples: Mapping[LabelId, Sequence[Example]],
    *,
    siblings: bool,
    embedding: Progress = silent,
) -> list[Subject]:
    """Prepare categories for their definition, in order; `siblings`: with the names of their neighbours.

    Of a category with more products than are shown, those that stand for it are found by their vectors, which
    are kept. `embedding` is told how many texts have got theirs.
    """
    how, lookup = workspace.config.categorize, workspace.wiring.stored.lookup
    embed(workspace, [examples.get(label, ()) for label in labels], embedding)
    paths = category_paths(workspace, labels)
    neighbours = Neighbours(workspace) if siblings else None
    found = []
    for label in labels:
        known = examples.get(label, ())
        rows = choose_examples(
            [example.item.text for example in known],
            [example.popularity for example in known],
            how.examples,
            lookup,
            how.seed,
        )
        products = tuple(
            Item(known[row].item.id, shown(known[row].item.text, how.characters)) for row in rows
        )
        found.append(Subject(label, paths[label], neighbours.of(label) if neighbours else (), products))
    return found


def embed(workspace: "Workspace", groups: Sequence[Sequence[Example]], progress: Progress) -> None:
    """Embed the products of the groups among which there is a choice; of very large ones that is done later."""
    least = workspace.config.categorize.examples
    texts = [each.item.text for group in groups if least < len(group) <= POOL for each in group]
    for start in range(0, len(texts), AT_ONCE):

        def told(done: int, _: int, before: int = start) -> None:
            progress(before + done, len(texts))

        workspace.wiring.stored.lookup(texts[start : start + AT_ONCE], told)


def subject_key(subject: Subject, *more: object) -> str:
    """A fingerprint of what a definition is written from."""
    products = [[example.id, example.text] for example in subject.examples]
    text = dump([subject.label, list(subject.path), list(subject.siblings), products, *more])
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


class Neighbours:
    """The names beside each category: those of the nodes and labels that stand where it stands."""

    def __init__(self, workspace: "Workspace") -> None:
        self.index = workspace.index
        self.lookup = workspace.wiring.stored.lookup
        self.groups: dict[NodeId | None, tuple[str, ...]] = {}
        self.known: dict[str, Matrix] = {}

    def of(self, label: LabelId) -> tuple[str, ...]:
        """Return the names beside a label, its own left out: in the tree's order, or of many the nearest first."""
        own = self.index.label(label).name
        beside = dict.fromkeys(name for place in self.places(label) for name in self.group(place))
        names = [name for name in beside if name.casefold() != own.casefold()]
        if len(names) <= SIBLINGS:
            return tuple(names)
        vectors = self.vectors([own, *names])
        order = (-(vectors[1:] @ vectors[0]).round(5)).argsort(kind="stable")[:SIBLINGS]
        return tuple(names[place] for place in order.tolist())

    def vectors(self, names: Sequence[str]) -> Matrix:
        """Return unit vectors (n, d) of names, each looked up once."""
        missing = [name for name in dict.fromkeys(names) if name not in self.known]
        if missing:
            self.known |= dict(zip(missing, self.lookup(missing), strict=True))
        return np.stack([self.known[name] for name in names])

    def places(self, label: LabelId) -> list[NodeId | None]:
        """Return the nodes that a label stands in beside others; None for the set of labels without a tree."""
        found: list[NodeId | None] = []
        for node in self.index.placements_of(label):
            if self.index.node(node).label_id == label:
                found += [parent.id for parent in self.index.parents(node)]
            else:
                found.append(node)
        return found or [None]

    def group(self, place: NodeId | None) -> tuple[str, ...]:
        """Return the names in one place."""
        if place not in self.groups:
            self.groups[place] = tuple(dict.fromkeys(self.names(place)))
        return self.groups[place]

    def names(self, place: NodeId | None) -> list[str]:
        """Read the names in one place: nodes, then labels but for the one that is the place itself."""
        if place is None:
            return [label.name for label in self.index.all_labels()]
        above = self.index.node(place).label_id
        labels = [label.name for label in self.index.labels_at(place) if label.id != above]
        return [node.name for node in self.index.children(place)] + labels
