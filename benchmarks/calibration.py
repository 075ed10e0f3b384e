"""How well an encoder's scores say how likely a label is right, and the constants of the prior.

python benchmarks/calibration.py                 # development parts of seven sets; then paste the printed Calibration
python benchmarks/calibration.py --limit 100     # fewer items of each

For each set: the expected calibration error (in per cent) of first labels by the similarity itself, by the prior
fitted on the sets of other families, and by a fit to 30 and to half of the set's own items, on the other half.
Then what part of CLINC150's messages keep a label, right or at all, at several least scores, in scope and out.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common import arguments, items, print_markdown, workspace
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.encoder.probabilities import RankedItem, first_probability, fit_calibration
from taxonaut.models.expert.calibration import expected_calibration_error
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.walk.item_scores import rank_items
from taxonaut.workspace.workspace import Workspace

PARTS = (
    *(
        ("esco", "tech_dev"),
        ("esco", "house_dev"),
        ("clinc150", "val"),
        ("onet", "dev"),
        ("bigbasket", "dev"),
    ),
    *(("flipkart", "dev"), ("goemotions", "dev")),
)
FOREIGN = "clinc150", "oos_test"
FOREIGN_SHARE = 0.1
LEAST = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class Ranked:
    """The ranked items of a set; `family` names the data they come from."""

    name: str
    family: str
    items: tuple[RankedItem, ...]
    foreign: tuple[RankedItem, ...] = ()

    @property
    def group(self) -> list[RankedItem]:
        """Its items for a fit, with some that nothing fits."""
        return [*self.items, *self.foreign[: max(1, round(FOREIGN_SHARE * len(self.items)))]]


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--limit", type=int, default=300, help="items of each part")


def pick(rows: Sequence[ItemRow], count: int) -> list[ItemRow]:
    """Take some items, always the same."""
    order = np.random.default_rng(0).permutation(len(rows))[:count]
    return [rows[place] for place in sorted(order)]


def ranked(opened: Workspace, rows: Sequence[ItemRow]) -> tuple[RankedItem, ...]:
    """Rank items by dense retrieval, as the default walk orders them too."""
    return tuple(PORTAL.run(rank_items(opened.classification(shortlist="dense"), rows)))


def collect(options: argparse.Namespace) -> list[Ranked]:
    """Rank the items of all sets; what is finished is kept between runs."""
    strangers = items(options, *FOREIGN)
    found: dict[str, Ranked] = {}
    for name, part in PARTS:
        with workspace(options, name) as opened:
            rows = pick([row for row in items(options, name, part) if row.gold], options.limit)
            foreign = ranked(opened, pick(strangers, options.limit if name == FOREIGN[0] else 30))
            former = found.get(name, Ranked(name, name, ()))
            found[name] = Ranked(name, name, (*former.items, *ranked(opened, rows)), foreign)
    return list(found.values())


def error(rows: Sequence[RankedItem], said: Sequence[float]) -> float:
    """Return the expected calibration error of first labels, in per cent."""
    return 100 * expected_calibration_error(said, [item.right[0] for item in rows])


def set_row(one: Ranked, sets: Sequence[Ranked]) -> list[str]:
    """Return a set's calibration errors."""
    prior = fit_calibration([each.group for each in sets if each.family != one.family], None)
    half, other = one.items[0::2], one.items[1::2]
    few, many = fit_calibration([half[:30]], prior), fit_calibration([half], prior)
    errors = [
        error(one.items, [min(max(item.scores[0], 0.0), 1.0) for item in one.items]),
        error(one.items, [first_probability(item, prior) for item in one.items]),
        error(other, [first_probability(item, few) for item in other]),
        error(other, [first_probability(item, many) for item in other]),
    ]
    accuracy = np.mean([item.right[0] for item in one.items])
    return [one.name, f"{len(one.items):,}", f"{100 * accuracy:.1f}", *(f"{each:.1f}" for each in errors)]


def rejection_rows(one: Ranked, sets: Sequence[Ranked]) -> list[list[str]]:
    """Return what is kept at each least score, in scope and out of scope, by the prior of other families."""
    prior = fit_calibration([each.group for each in sets if each.family != one.family], None)
    inside = np.array([first_probability(item, prior) for item in one.items])
    outside = np.array([first_probability(item, prior) for item in one.foreign])
    right = np.array([item.right[0] for item in one.items])
    rows = [["least score", "in scope right", "in scope without a label", "out of scope without a label"]]
    for least in LEAST:
        kept = inside >= least
        shares = (right & kept).mean(), 1 - kept.mean(), (outside < least).mean()
        rows.append([f"{least:.2f}", *(f"{100 * share:.1f}" for share in shares)])
    for name, first, second in (
        ("probability", inside, outside),
        ("similarity", *(np.array([item.scores[0] for item in part]) for part in (one.items, one.foreign))),
    ):
        wins = (first[:, None] > second[None]).mean() + (first[:, None] == second[None]).mean() / 2
        rows.append([f"AUROC of the {name}", f"{wins:.3f}", "", ""])
    return rows


def main() -> None:
    """Print the tables and the constants."""
    options = arguments(__doc__, add)
    sets = collect(options)
    rows = [set_row(one, sets) for one in sets]
    means = [f"{np.mean([float(row[column]) for row in rows]):.1f}" for column in range(3, 7)]
    head = ["set", "items", "first label right", "similarity", "prior", "30 items", "half of the items"]
    print_markdown([head, *rows, ["mean", "", "", *means]])
    print()
    print_markdown(rejection_rows(next(one for one in sets if one.name == FOREIGN[0]), sets))
    print(f"\nprior: {fit_calibration([one.group for one in sets], None)}")


if __name__ == "__main__":
    main()
