"""Print the walk of one text as a tree: what was opened, found and skipped, then the ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from taxonaut.cli.shared.item_view import marked, quoted, ranking
from taxonaut.cli.shared.terminal import clipped, counted, printable, styled
from taxonaut.state.ids import LabelId

if TYPE_CHECKING:
    from taxonaut.workspace.walk.explanation import Explanation, ScoreShare, Step

NAMED = 3
"""Branches named of those that are not drawn."""


def print_explanation(console: Console, walk: Explanation, *, everything: bool = False) -> None:
    """Print a walk and its ranking; branches without a ranked label are only named, unless all are drawn."""
    telling = walk.ranking[0].evidence if walk.ranking else ""
    tree = Tree(marked(walk.item.text, telling), guide_style="dim")
    Drawing(walk, everything).draw(walk.root, tree)
    console.print(tree)
    if not walk.root.steps:
        console.print(styled("no branch was looked at: the labels come from dense retrieval", "dim"))
    console.print()
    shown = f"best {len(walk.ranking)} of {counted(walk.candidates, 'candidate')}"
    console.print(styled(f"{shown}, {describe_decisions(walk)}", "dim"))
    if walk.ranking:
        console.print(ranking(walk.ranking, with_origin=True))
    else:
        console.print(styled("  no label fits", "dim"))
    print_shares(console, walk)


def describe_decisions(walk: Explanation) -> str:
    """Say how many requests and comparisons a walk took."""
    if not walk.requests:
        return counted(walk.comparisons, "comparison")
    said = counted(walk.requests, "request")
    return f"{said}, {counted(walk.comparisons, 'comparison')}" if walk.comparisons else said


def print_shares(console: Console, walk: Explanation) -> None:
    """Print what the sources next to the embedder say of the best labels."""
    names = {label.label_id: label.name for label in walk.ranking}
    for label, name in names.items():
        shares = [each for each in walk.shares if each.label_id == label]
        if shares:
            said = "; ".join(describe_share(each) for each in shares)
            console.print(styled(f"{clipped(printable(name), 60)}: {said}", "dim"))


def describe_share(share: ScoreShare) -> str:
    """Say what a source says of a label, and why."""
    why = f" ({printable(share.why)})" if share.why else ""
    return f"{share.source} {share.score:.2f}{why}"


def step_row(step: Step, names: Mapping[LabelId, str]) -> dict[str, Any]:
    """Return a step as JSON has it, with all that was passed by; `names` are those of its labels."""
    return {
        "node_id": step.node,
        "name": step.name,
        "opened": step.opened,
        "how": step.how,
        "dropped": step.dropped,
        "score": step.score,
        "evidence": step.evidence,
        **({"error": step.error} if step.error else {}),
        "labels": [{"id": label, "name": names[label]} for label in step.labels],
        "branches": [step_row(below, names) for below in step.steps],
    }


def label_ids(step: Step) -> list[LabelId]:
    """Return the labels found at a step and below it."""
    return [*step.labels, *(label for below in step.steps for label in label_ids(below))]


@dataclass(slots=True)
class Drawing:
    """Draws the steps of one walk."""

    walk: Explanation
    everything: bool

    def draw(self, step: Step, tree: Tree) -> None:
        """Draw what was found in a step and what is below it."""
        if step.error:
            tree.add(styled(f"failed: {step.error}", "red"))
        if step.labels:
            tree.add(self.labels(step.labels))
        opened = [below for below in step.steps if below.opened]
        drawn = opened if self.everything else [below for below in opened if self.led_somewhere(below)]
        drawn = drawn or opened[:1]
        for below in drawn:
            self.draw(below, tree.add(branch_line(below)))
        for what, rest in (
            ("opened too", [below for below in opened if below not in drawn]),
            ("passed by", [below for below in step.steps if not below.opened]),
        ):
            if rest:
                tree.add(styled(f"{what}: {name_branches(rest)}", "dim"))

    def led_somewhere(self, step: Step) -> bool:
        """Whether a label of the ranking is in a step or below it."""
        found = set(label_ids(step))
        return any(label.label_id in found for label in self.walk.ranking)

    def labels(self, found: Sequence[LabelId]) -> Text:
        """Name the labels of a node that were ranked, with their places, and count the others."""
        line = styled("")
        for place, label in enumerate(self.walk.ranking, start=1):
            if label.label_id in found:
                line.append("  " if line else "")
                line.append(f"{place}. ", "bold green").append(clipped(printable(label.name), 60), "green")
        ranked = sum(label.label_id in found for label in self.walk.ranking)
        left = len(found) - ranked
        if not left:
            return line
        others = counted(left, "more label" if ranked else "label")
        return line.append(f"{'  and ' if ranked else ''}{others}", "dim")


def branch_line(step: Step) -> Text:
    """Return an opened branch as a line: score, name, phrase."""
    line = styled(step.name, "bold")
    if step.score is not None:
        line = styled(f"{step.score:.2f} ", "cyan").append_text(line)
    if step.how == "anchor":
        line.append("  anchor", "magenta not bold")
    return line.append("  ").append_text(quoted(step.evidence)) if step.evidence else line


def name_branches(steps: Sequence[Step]) -> str:
    """Name the first branches with their scores, and count the rest."""
    shown = ", ".join(
        clipped(printable(step.name), 40) + ("" if step.score is None else f" {step.score:.2f}")
        for step in steps[:NAMED]
    )
    left = len(steps) - NAMED
    return shown + (f" and {left:,} more" if left > 0 else "")
