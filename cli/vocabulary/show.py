"""`taxonaut vocabulary show`: the descriptors as a tree, one of them whole, and how it came to be."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.tree import Tree

import taxonaut
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import LONGEST_NAME, clipped, counted, out, path_text, print_json, styled
from taxonaut.state.descriptors import ChangeProposal, Round
from taxonaut.workspace import build
from taxonaut.workspace import vocabulary as vocabularies

if TYPE_CHECKING:
    from taxonaut.workspace.vocabulary.reading import Descriptor, Group, Vocabulary

EXAMPLES = 3
"""Items shown of a descriptor and of a cluster."""


@command(
    "show",
    example='taxonaut vocabulary show\ntaxonaut vocabulary show "Pens > Gel pens"\n'
    "taxonaut vocabulary show 17 --history",
)
def show(
    session: Session,
    node: Annotated[
        str,
        typer.Argument(
            metavar="DESCRIPTOR",
            help="Descriptor: number (17) or path ('A > B'). Default: all.",
        ),
    ] = "",
    depth: Annotated[int, typer.Option(min=1, help="Print N levels.")] = 2,
    history: Annotated[
        bool,
        typer.Option("--history", help="Show rounds, proposals and the architect's reasons."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show the vocabulary as a tree, or one descriptor.

    Each descriptor is shown with the number of its items.
    """
    with session.open() as workspace:
        vocabularies.reading.check_vocabulary(workspace)
        top = build.tree_preview.find_node(workspace.index, node)
        vocabulary = taxonaut.read_vocabulary(workspace)
        groups = (
            {group.node: group for group in vocabularies.reading.read_history(workspace)} if history else {}
        )
    if json:
        print_json(descriptor_row(vocabulary, top, depth, groups))
        return
    console = out()
    if top != vocabulary.root:
        print_descriptor(console, vocabulary.by_id[top])
    console.print(draw_descriptors(vocabulary, top, depth))
    if history:
        print_history(console, vocabulary, top, groups)


def descriptor_row(vocabulary: Vocabulary, node: Any, depth: int, groups: dict[Any, Group]) -> dict[str, Any]:
    """Return a descriptor with what is below it as JSON has it."""
    own = vocabulary.by_id.get(node)
    found: dict[str, Any] = {"id": node, "items": items_of(vocabulary, node)}
    if own is not None:
        found |= {"name": own.node.name, "path": list(own.path), "description": own.node.description}
        found |= {"includes": list(own.node.includes), "excludes": list(own.node.excludes)}
    if node in groups:
        found["rounds"] = [asdict(each) for each in groups[node].refined.rounds]
    children = vocabulary.children.get(node, ())
    found["descriptors"] = (
        [descriptor_row(vocabulary, child.id, depth - 1, groups) for child in children] if depth else []
    )
    return found | {"more": 0 if depth else len(children)}


def items_of(vocabulary: Vocabulary, node: Any) -> int:
    """How many items have a descriptor; of the root, how many were assigned."""
    return len(vocabulary.taggings) if node == vocabulary.root else vocabulary.items_at.get(node, 0)


def print_descriptor(console: Console, descriptor: Descriptor) -> None:
    """Print a descriptor's texts."""
    node = descriptor.node
    console.print(path_text(descriptor.path))
    if node.description:
        console.print(styled(node.description, "italic"))
    for word, texts in (("includes", node.includes), ("excludes", node.excludes)):
        if texts:
            console.print(styled(f"{word}: ", "dim").append_text(styled("; ".join(texts))))
    for text in node.examples[:EXAMPLES]:
        console.print(styled("such as: ", "dim").append_text(styled(clipped(text, 120))))


def draw_descriptors(vocabulary: Vocabulary, node: Any, depth: int, tree: Tree | None = None) -> Tree:
    """Draw a node and some levels below it, each with its items."""
    own = vocabulary.by_id.get(node)
    title = styled(clipped(own.node.name, LONGEST_NAME) if own else "(all items)", "bold")
    title.append(f"  #{node}  {counted(items_of(vocabulary, node), 'item')}", "dim not bold")
    here = Tree(title) if tree is None else tree.add(title)
    children = vocabulary.children.get(node, ())
    if depth:
        for child in children:
            draw_descriptors(vocabulary, child.id, depth - 1, here)
    elif children:
        here.add(styled(f"… {counted(len(children), 'descriptor')}", "dim"))
    return here


def print_history(console: Console, vocabulary: Vocabulary, node: Any, groups: dict[Any, Group]) -> None:
    """Print how a descriptor came to be, and how its own items were divided."""
    if not groups:
        console.print(styled("it was not built here: nothing is known of how it came to be", "italic dim"))
        return
    if node != vocabulary.root:
        console.print(styled("How it came to be", "bold"))
        for line in describe_origin(node, groups):
            console.print(styled(f"  {line}"))
    if node in groups:
        console.print(styled("How its items were divided", "bold"))
        for number, each in enumerate(groups[node].refined.rounds, start=1):
            print_round(console, number, each)
        for problem in groups[node].refined.problems:
            console.print(styled(f"  {problem}", "dim"))


def describe_origin(node: Any, groups: dict[Any, Group]) -> list[str]:
    """Say in which round a descriptor was proposed, for what, and what changed it since, wherever it stands now."""
    group = next((group for group in groups.values() if node in group.nodes), None)
    if group is None:
        return ["it was made by hand"]
    place = group.nodes.index(node)
    name = group.refined.centres[place].name
    lines = ["proposed by the architect at first"] if place < group.refined.initial else []
    for number, each in enumerate(group.refined.rounds, start=1):
        for change in each.changes:
            same = change.centre is not None and change.centre.name == name
            if same and change.approved and change.kind != "ignore":
                lines.append(f"round {number}: {describe_round(change)}")
    return lines


def print_round(console: Console, number: int, each: Round) -> None:
    """Print a round: how many items were covered, and each change proposal with its verdict."""
    covered = f"{each.assigned:,} of {counted(each.items, 'item')} covered ({each.coverage:.1%})"
    console.print(styled(f"  round {number}: {covered}"))
    for change in each.changes:
        style = "dim" if not change.approved else ""
        console.print(styled(f"    {describe_round(change)}", style))


def describe_round(change: ChangeProposal) -> str:
    """Describe in a line what was proposed, for how many items, and with which outcome."""
    name = change.centre.name if change.centre is not None else ""
    what = {"create": f"create {name!r}", "expand": f"expand {name!r}", "ignore": "ignore"}[change.kind]
    verdict = {True: "approved", False: "rejected", None: ""}[change.approved]
    line = f"{what} for {counted(change.size, 'item')}"
    if change.problem:
        line += f" ({change.problem})"
    return f"{line}: {verdict}, {change.reason}" if verdict else line
