"""The part of the index that some events changed, with all that is above it: enough to compare two moments."""

from collections.abc import Sequence

from taxonaut.state.index.history import Part
from taxonaut.state.index.undo import labels_of, nodes_of, retold
from taxonaut.state.index.view import IndexView
from taxonaut.state.records import Event


def touched(view: IndexView, events: Sequence[Event]) -> Part | None:
    """Return what events named and what it stands beside; None where one of them changed the whole tree.

    Hold `database.lock` around it.
    """
    nodes: set[int] = set()
    labels: set[int] = set()
    shape, numbers = view.shape, view.labels.numbers
    for event in events:
        operation, arguments = event.inverse["operation"], event.inverse["arguments"]
        if operation == "switch_tree":
            return None
        nodes |= nodes_of(event)
        labels |= labels_of(event, numbers.get) | retold(event, numbers.get)
        if operation == "drop_labels":
            labels.update(range(arguments["first"], arguments["last"] + 1))
    standing = [node for node in nodes if shape.has(node)]
    nodes.update(child for node in standing for child in shape.children[node])
    labels.update(label for node in standing for label in shape.labels_at[node])
    nodes.update(node for label in labels for node in shape.nodes_of[label])
    waiting = [node for node in nodes if shape.has(node)]
    while waiting:
        for parent in shape.parents[waiting.pop()]:
            if parent not in nodes:
                nodes.add(parent)
                waiting.append(parent)
    return Part(frozenset(nodes), frozenset(labels))
