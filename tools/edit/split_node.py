"""The tool `split_node`: divide the labels of a node among new nodes below it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Node, ToolSpec, Tree, TreeNode
from taxonaut.tools.support.index_changes import NODE, as_tool_errors, call_schema
from taxonaut.tools.write.propose_category import LONGEST_NAME, fold_name

METHOD = "by hand"
_EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class SplitPart:
    """A node to be created, with the ids of its labels."""

    name: str
    labels: tuple[LabelId, ...]
    description: str = ""


def split_node(index: Index, node: NodeId, parts: Sequence[SplitPart]) -> list[Node]:
    """Divide the labels of a node among new nodes below it; a label may go to several, those not named stay."""
    with as_tool_errors():
        names = [fold_name(child.name) for child in index.children(node)] + [
            fold_name(part.name) for part in parts
        ]
        if not parts or any(names.count(name) > 1 for name in names):
            raise ToolError("give at least one part, and names that tell the parts and their siblings apart")
        here = index.labels_at(node)
        titles = {label.id: label.name for label in here}
        nodes = tuple(
            TreeNode(
                key,
                " ".join(part.name.split()),
                part.description,
                examples=tuple(titles[label] for label in part.labels if label in titles)[:_EXAMPLES],
            )
            for key, part in enumerate(parts, start=1)
        )
        placements = [(key, label) for key, part in enumerate(parts, start=1) for label in part.labels]
        taken = {label for _, label in placements}
        stay = [(0, label.id) for label in here if label.id not in taken]
        edges = tuple((0, each.key) for each in nodes)
        before = {child.id for child in index.children(node)}
        index.graft(node, Tree(METHOD, nodes, edges, (*placements, *stay)))
        return [child for child in index.children(node) if child.id not in before]


def split_node_spec() -> ToolSpec:
    """Return the tool with its schema."""
    part: dict[str, Any] = call_schema(
        {
            "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
            "labels": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "description": "The ids of the labels that belong here.",
            },
            "description": {"type": "string", "description": "One sentence: what belongs here."},
        },
        "name",
        "labels",
    )
    properties = {"node": NODE, "parts": {"type": "array", "items": part, "minItems": 1}}
    return ToolSpec("split_node", split_node.__doc__ or "", call_schema(properties, "node", "parts"))
