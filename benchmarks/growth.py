"""Labels that come later, with and without what was learned from the items of those known first.

python benchmarks/growth.py --set onet --limit 400

The protocol of XMC-Agent 3.1 (`xmc_main.py`): half of the labels are known first, the index is built over these, the
others are added by algorithm 3. The map and the exemplars are learned from `train`, from labels known first; what
is added later never competed in training. Inc counts gold labels of the later half, all labels are ranked.
"""

import argparse
import time
from pathlib import Path

from common import add_paper_options, arguments, items, part_of, print_markdown, quality_cells, workspace
from taxonaut.evaluation.incremental import incremental, round_title, split_labels
from taxonaut.models.adapt.adapter import AdapterLearner
from taxonaut.models.adapt.learner import LabelledText, TrainingMaterial
from taxonaut.models.adapt.neighbour_votes import ExemplarLearner
from taxonaut.workspace.core.learned_versions import LearnedCard, LearnedVersion, VersionStore
from taxonaut.workspace.workspace import Workspace

METHODS = ("dense", "navigate:shortlist=tree")
MEASURES = ("P@1", "P@5", "R@5", "R@10")
VOTES = (0.1, 0.5)
"""Weight and exponent of the votes of exemplars."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    add_paper_options(parser)
    parser.add_argument("--share", type=float, default=0.5, help="share of the labels known first")


def learn(workspace: Workspace, options: argparse.Namespace, *, votes: bool) -> LearnedVersion:
    """Learn from the items of the labels known first, in a folder of its own."""
    texts = workspace.wiring.label_options()
    known = set(split_labels(list(texts), options.seed, options.share).known)
    rows = items(options, options.set, "train")
    examples = [
        LabelledText(row.item.id, row.item.text, tuple(label for label in row.gold if label in known))
        for row in rows
        if not known.isdisjoint(row.gold)
    ]
    material = TrainingMaterial(examples, {label: text for label, text in texts.items() if label in known})
    embedder = workspace.wiring.frozen
    learners = [
        AdapterLearner(embedder.embedder.name, embedder.lookup),
        *([ExemplarLearner()] if votes else ()),
    ]

    def write(folder: Path) -> None:
        for learner in learners:
            print(f"{learner.name}: {learner.learn(material, folder)}")

    versions = VersionStore(options.workspaces / f"{options.set}-growth")
    sources = {"exemplars": VOTES} if votes else {}
    card = versions.save(LearnedCard(embedder.embedder.name, {}, sources), write)
    return LearnedVersion(card, versions.path(card.number))


def main() -> None:
    """Print Inc and Overall without, with the map, and with the map and exemplars."""
    options = arguments(__doc__, add)
    (options.workspaces / f"{options.set}-growth").mkdir(parents=True, exist_ok=True)
    table = [
        [
            "learned",
            "method",
            *(f"Inc {name}" for name in MEASURES),
            *(f"Overall {name}" for name in MEASURES),
        ]
    ]
    with workspace(options, options.set) as opened:
        rows = items(options, options.set, part_of(options), options.limit)
        for title in ("nothing", "map", "map and exemplars"):
            started = time.process_time()
            if title != "nothing":
                opened.wiring.use_learned(learn(opened, options, votes=title != "map"))
            report = incremental(opened, rows, METHODS, seed=options.seed, share=options.share)
            for each in report.methods:
                cells = quality_cells(each.inc, MEASURES), quality_cells(each.overall, MEASURES)
                table.append([title, round_title(each.method, each.index), *cells[0], *cells[1]])
            print(f"{title}: {time.process_time() - started:.0f} CPU s")
    print_markdown(table)


if __name__ == "__main__":
    main()
