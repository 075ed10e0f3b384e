"""Cut a part of the tree for display, and find nodes by their path or number."""

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Node

_STEP = re.compile(r"\s+>\s+")


@dataclass(slots=True)
class Branch:
    """A node with what is shown below it; `more_…` count what is left out.

    A label that the node itself represents is not among its `labels`.
    """

    node: Node
    branches: list["Branch"] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    more_branches: int = 0
    more_labels: int = 0


def outline(index: Index, node: NodeId, depth: int, limit: int) -> Branch:
    """Return `depth` levels below a node, with at most `limit` branches and `limit` labels of each node."""
    top = Branch(index.node(node))
    level = [top]
    for left in range(depth, -1, -1):
        ids = [branch.node.id for branch in level]
        children, labels = index.children_of(ids), index.labels_under(ids)
        below: list[Branch] = []
        for branch in level:
            own = [label for label in labels[branch.node.id] if label != branch.node.label_id]
            shown = limit if left else 0
            branch.branches = [Branch(child) for child in children[branch.node.id][:shown]]
            branch.more_branches = len(children[branch.node.id]) - len(branch.branches)
            branch.labels = index.labels(own[:shown])
            branch.more_labels = len(own) - len(branch.labels)
            below += branch.branches
        level = below
    return top


def find_node(index: Index, given: str) -> NodeId:
    """Find a node by its number or its path from the top; an empty text is the root.

    Steps match exactly, else ignoring case; a path may also be a JSON list, for names that contain ` > `.
    Raises NotFoundError that lists the branches there.
    """
    given = given.strip()
    if not given:
        return index.root()
    number = given.removeprefix("#")
    if number.isdecimal() and number.isascii():
        return index.node(NodeId(int(number))).id
    return _follow_path(index, _split_path(given))


def find_category(index: Index, given: str) -> NodeId | LabelId:
    """Find a node as `find_node` does, or a label by its path. Raises NotFoundError as `find_node` does."""
    try:
        return find_node(index, given)
    except NotFoundError:
        *above, last = _split_path(given.strip())
        try:
            here = _follow_path(index, above)
        except NotFoundError:
            here = None
        if here is None or last.removeprefix("#").isdecimal():
            raise
    labels = index.labels_at(here)
    exact = next((label.id for label in labels if label.name == last), None)
    alike = (label.id for label in labels if label.name.casefold() == last.casefold())
    if found := exact or next(alike, None):
        return found
    names = [child.name for child in index.children(here)] + [label.name for label in labels]
    raise NotFoundError(
        _missing_message(last, " > ".join(above), names, "branch or label", "branches or labels")
    )


def _follow_path(index: Index, steps: Sequence[str]) -> NodeId:
    here, way = index.root(), ""
    for step in steps:
        children = index.children(here)
        found = next((child for child in children if child.name == step), None) or next(
            (child for child in children if child.name.casefold() == step.casefold()), None
        )
        if found is None:
            if label := next((label for label in index.labels_at(here) if label.name == step), None):
                raise NotFoundError(
                    f"{step!r} is a label and has no branches; see it with: taxonaut labels show {label.id}, "
                    f"or take it out with: taxonaut labels retire {label.id}"
                )
            raise NotFoundError(_missing_message(step, way, [child.name for child in children]))
        here, way = found.id, f"{way} > {found.name}" if way else found.name
    return here


def _split_path(given: str) -> list[str]:
    if given.startswith("["):
        try:
            steps = json.loads(given)
        except ValueError:
            steps = None
        if isinstance(steps, list) and all(isinstance(step, str) for step in steps):
            return steps
    return _STEP.split(given)


def _missing_message(
    step: str, way: str, names: Sequence[str], what: str = "branch", several: str = "branches"
) -> str:
    where = f"under {way!r}" if way else "at the top"
    close = difflib.get_close_matches(step, names, n=3, cutoff=0.5)
    if close:
        return f"there is no {what} {step!r} {where}; did you mean {' or '.join(map(repr, close))}?"
    if not names:
        return f"there is no {what} {step!r} {where}: it has no {several}"
    return f"there is no {what} {step!r} {where}; there are {', '.join(map(repr, names[:5]))}" + (
        f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    )
