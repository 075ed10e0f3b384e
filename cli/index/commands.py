"""`taxonaut index`: build the tree to walk, and look at it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.index import changes as index_changes
from taxonaut.cli.index import transfer as index_transfer
from taxonaut.cli.shared.session import JsonOption, Session, command

if TYPE_CHECKING:
    from rich.tree import Tree

    from taxonaut.workspace.build.tree_preview import Branch

app = typer.Typer()
group = typer.Typer(no_args_is_help=True, help="Build the tree to walk, look at it, change it.")
app.add_typer(group, name="index")


@command(
    group,
    "build",
    example="taxonaut index build --k 16 --terminal-size 64\n"
    "taxonaut index build --method agents --estimate\n"
    "taxonaut index build --method agents",
)
def build(
    session: Session,
    method: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="How: kmeans splits by the labels' embeddings; agents name categories and sort labels into them.",
        ),
    ] = "kmeans",
    k: Annotated[
        int | None, typer.Option(help="Most branches of a node; else 16.", show_default=False)
    ] = None,
    terminal_size: Annotated[
        int | None,
        typer.Option(
            help="Most labels in a terminal node; else 64, with agents what \\[build] says.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Where splitting starts; else 0.", show_default=False)
    ] = None,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="With agents: only say how many requests and tokens it will take."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Build a tree over flat labels.

    Labels imported with paths or parents have their own tree already; this one would take its place, and
    `index undo` brings it back. The agents are the architect and the annotator of taxonaut.toml, their
    thresholds those of its table `build`. A build that was interrupted goes on where it stopped.
    """
    from taxonaut.cli.index import build_view
    from taxonaut.cli.shared.progress import progress

    given = {"centres" if method == "agents" else "k": k, "terminal_size": terminal_size, "seed": seed}
    settings = {name: value for name, value in given.items() if value is not None}
    with progress(session, json=json) as bar, session.open() as workspace:
        if estimate:
            found = build_view.estimated(workspace, method, settings, bar)
        else:
            built = build_view.built(workspace, method, settings, bar)
    if estimate:
        build_view.show_estimate(session, found, json)
    else:
        build_view.show_built(session, built, json)


@command(
    group,
    "show",
    example='taxonaut index show --depth 2\ntaxonaut index show "Apparel > Shoes" --depth 1 --limit 50',
)
def show(
    session: Session,
    node: Annotated[
        str,
        typer.Argument(metavar="NODE|PATH", help="A node's number, or its path from the top: 'A > B'."),
    ] = "",
    depth: Annotated[int, typer.Option(min=1, help="Levels shown below it.")] = 2,
    limit: Annotated[int, typer.Option(min=1, help="Most branches, and most labels, shown of a node.")] = 12,
    json: JsonOption = False,
) -> None:
    """Draw the tree, or what is below one node."""
    from taxonaut.cli.shared.terminal import out, print_json
    from taxonaut.workspace.build.tree_preview import find_node, outline

    with session.open() as workspace:
        found = find_node(workspace.index, node)
        shape = outline(workspace.index, found, depth, limit)
    if json:
        print_json(branch_row(shape))
    else:
        out().print(drawn(shape))


@command(group, "stats", example="taxonaut index stats --json")
def stats(session: Session, json: JsonOption = False) -> None:
    """Count labels, nodes, levels and placements."""
    from dataclasses import asdict

    from rich.table import Table

    from taxonaut.cli.shared.terminal import out, print_json, styled

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


def branch_row(branch: "Branch") -> dict[str, Any]:
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


def drawn(branch: "Branch", tree: "Tree | None" = None) -> "Tree":
    """Draw a branch and what is below it."""
    from rich.tree import Tree

    from taxonaut.cli.shared.terminal import LONGEST_NAME, clipped, counted, styled

    title = styled(clipped(branch.node.name, LONGEST_NAME) or "(top)", "bold")
    title.append(f"  #{branch.node.id}", "dim not bold")
    if branch.node.description:
        title.append_text(styled(f"  {branch.node.description}", "italic dim not bold"))
    here = Tree(title) if tree is None else tree.add(title)
    for child in branch.branches:
        drawn(child, here)
    for label in branch.labels:
        here.add(styled(clipped(label.name, LONGEST_NAME), "green"))
    left = []
    if branch.more_branches:
        left.append(counted(branch.more_branches, "more branch" if branch.branches else "branch"))
    if branch.more_labels:
        left.append(counted(branch.more_labels, "more label" if branch.labels else "label"))
    if left:
        here.add(styled("… " + ", ".join(left), "dim"))
    return here


group.add_typer(index_changes.app)
group.add_typer(index_transfer.app)
