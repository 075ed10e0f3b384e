"""`taxonaut index show|stats`: look at the tree."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.tree import Tree

from taxonaut.cli.shared.file_options import LanguageOption
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import LONGEST_NAME, clipped, counted, out, print_json, styled
from taxonaut.workspace import build, files

if TYPE_CHECKING:
    from taxonaut.workspace.build.tree_preview import Branch
    from taxonaut.workspace.files.index_formats.label_languages import ShownNames


@command(
    "show",
    example='taxonaut index show --depth 2\ntaxonaut index show "Apparel > Shoes" --depth 1 --limit 50',
)
def show(
    session: Session,
    node: Annotated[
        str,
        typer.Argument(metavar="NODE", help="Node number, or path from the top: 'A > B'."),
    ] = "",
    depth: Annotated[int, typer.Option(min=1, help="Print N levels.")] = 2,
    limit: Annotated[
        int, typer.Option(min=1, help="Print at most N branches and N labels of each node.")
    ] = 12,
    language: LanguageOption = "",
    json: JsonOption = False,
) -> None:
    """Print the tree, or the part below a node."""
    with session.open_in(language) as workspace:
        found = build.tree_preview.find_node(workspace.index, node)
        shape = build.tree_preview.outline(workspace.index, found, depth, limit)
        names = files.index_formats.label_languages.shown_names(workspace)
    if names is not None:
        rename_branch(shape, names)
    if json:
        print_json(branch_row(shape))
    else:
        out().print(draw_branch(shape))


def rename_branch(shape: Branch, names: ShownNames) -> None:
    """Give a part of the tree its names in another language."""
    if shape.node.label_id is not None:
        shape.node = replace(shape.node, name=names.names.get(shape.node.label_id, shape.node.name))
    shape.labels = [names.label(label) for label in shape.labels]
    for branch in shape.branches:
        rename_branch(branch, names)


@command("stats", example="taxonaut index stats --json")
def stats(session: Session, json: JsonOption = False) -> None:
    """Count labels, nodes, levels and placements."""
    with session.open() as workspace:
        counts = asdict(workspace.index.stats())
    if json:
        print_json(counts)
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, count in counts.items():
        shown = f"{count:,.1f}" if isinstance(count, float) else f"{count:,}"
        table.add_row(styled(name.replace("_", " ")), styled(shown))
    out().print(table)


def branch_row(branch: Branch) -> dict[str, Any]:
    """Return a branch as JSON has it."""
    return {
        "id": branch.node.id,
        "name": branch.node.name,
        "description": branch.node.description,
        "label_id": branch.node.label_id,
        "branches": [branch_row(child) for child in branch.branches],
        "more_branches": branch.more_branches,
        "labels": [{"id": label.id, "name": label.name} for label in branch.labels],
        "more_labels": branch.more_labels,
    }


def draw_branch(branch: Branch, tree: Tree | None = None) -> Tree:
    """Draw a branch and what is below it."""
    title = styled(clipped(branch.node.name, LONGEST_NAME) or "(top)", "bold")
    title.append(f"  #{branch.node.id}", "dim not bold")
    if branch.node.description:
        title.append_text(styled(f"  {branch.node.description}", "italic dim not bold"))
    here = Tree(title) if tree is None else tree.add(title)
    for child in branch.branches:
        draw_branch(child, here)
    same = Counter(label.name for label in branch.labels)
    for label in branch.labels:
        shown = styled(clipped(label.name, LONGEST_NAME), "green")
        if same[label.name] > 1:
            shown.append(f"  ({label.id})", "dim")
        here.add(shown)
    left = []
    if branch.more_branches:
        left.append(counted(branch.more_branches, "more branch" if branch.branches else "branch"))
    if branch.more_labels:
        left.append(counted(branch.more_labels, "more label" if branch.labels else "label"))
    if left:
        here.add(styled("… " + ", ".join(left), "dim"))
    return here
