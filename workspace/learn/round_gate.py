"""Measure what a round learned on the items and labels that it was not learned from, against what is in use."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from taxonaut.models.score_sources import LearnedScores
from taxonaut.state.ids import LabelId
from taxonaut.workspace.core.config import LearningConfig
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.learned_versions import LearnedVersion
from taxonaut.workspace.learn.gate import (
    AMONG_ALL,
    SEEN,
    UNSEEN,
    Comparison,
    MeasuredItem,
    Part,
    PartScores,
    Share,
    add_sources,
    compare,
    fit_sources,
    score_parts,
)
from taxonaut.workspace.learn.split import Split, share_of

GATED = "gated"
"""The folder of the gate's fit in that of a version: learned without what is held out, to be compared with later."""

FEWEST_TO_TUNE = 40
"""Measured items of a part from which half of them choose the sources' weights and only the others are measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the gate found: each source's share, and the comparison of each part that has items."""

    shares: Mapping[str, Share]
    comparisons: Sequence[Comparison]

    @property
    def gain(self) -> float:
        """The mean change over the parts."""
        return sum(each.gain for each in self.comparisons) / max(1, len(self.comparisons))

    @property
    def passed(self) -> bool:
        """Whether nothing fell by more than its interval, and the measures did not fall on the whole."""
        return bool(self.comparisons) and not any(each.falls for each in self.comparisons) and self.gain >= 0


class RoundGate:
    """Chooses the shares of what rounds learned, and compares them with what is in use; scores of that are kept."""

    def __init__(self, workspace: Core, settings: LearningConfig, split: Split) -> None:
        self.workspace, self.settings, self.split = workspace, settings, split

    def measure(self, candidate: LearnedVersion) -> Measured:
        """Measure a version whose card has no shares yet."""
        tuned, measured = self.parts
        wiring = self.workspace.wiring
        plain = score_parts(wiring.with_learned(candidate), [*tuned, *measured])
        names = candidate.card.learners
        unit = replace(candidate, card=replace(candidate.card, sources=dict.fromkeys(names, (1.0, 1.0))))
        learned = own_sources(wiring.with_learned(unit).learned_scores, names)
        shares = fit_sources(plain[: len(tuned)], learned)
        after = [add_sources(each, learned, shares) for each in plain[len(tuned) :]]
        node_of = name_nodes(self.workspace)
        return Measured(
            shares,
            [
                compare(was.part, was.rank(), now.rank(), node_of)
                for was, now in zip(self.before, after, strict=True)
                if was.part.items
            ],
        )

    @cached_property
    def before(self) -> list[PartScores]:
        """The scores of the measured parts by what is in use, fitted without what is held out."""
        return score_parts(self.workspace.wiring.with_learned(self.compared_with), self.parts[1])

    @cached_property
    def compared_with(self) -> LearnedVersion | None:
        """What rounds are compared with: the gate's fit of the version in use, if it kept the same things apart."""
        in_use = self.workspace.wiring.learned
        if in_use is None or not (in_use.folder / GATED).is_dir():
            return None
        own, hidden = in_use.card.settings, bool(self.split.unseen)
        same = all(own.get(name) == getattr(self.settings, name) for name in ("holdout", "unseen", "seed"))
        same = same and bool(in_use.card.data.get("labels_unseen")) == hidden
        return replace(in_use, folder=in_use.folder / GATED) if same else None

    @cached_property
    def parts(self) -> tuple[list[Part], list[Part]]:
        """The parts on which weights are chosen, and those that are measured."""
        split, most = self.split, self.settings.measured
        unseen, every = split.unseen, split.items

        def pick(places: Sequence[int]) -> list[int]:
            order = sorted(
                places, key=lambda at: share_of("measure", every[at].item.text, self.settings.seed)
            )
            return order[:most]

        def items(places: Sequence[int], is_seen: bool) -> list[MeasuredItem]:
            found = []
            for at in places:
                right = tuple(label for label in every[at].right if (label not in unseen) == is_seen)
                others = tuple(label for label in every[at].right if label not in right)
                found.append(MeasuredItem(every[at].item.id, every[at].item.text, right, others))
            return found

        tuned, measured = [], []
        for places, is_seen in (
            (pick(split.measured_seen()), True),
            (pick(split.measured_unseen()), False),
        ):
            large = len(places) >= FEWEST_TO_TUNE
            one, other = (places[::2], places[1::2]) if large else (places, places)
            tuned.append(Part(SEEN if is_seen else AMONG_ALL, items(one, is_seen)))
            measured.append(Part(SEEN if is_seen else AMONG_ALL, items(other, is_seen)))
            if not is_seen:
                measured.insert(1, Part(UNSEEN, items(other, is_seen), unseen))
        return tuned, measured

    @property
    def compared_number(self) -> int:
        """The version that rounds are compared with, 0 for none."""
        return 0 if self.compared_with is None else self.compared_with.card.number


def own_sources(learned: LearnedScores | None, names: Collection[str]) -> LearnedScores | None:
    """Return only those sources that were learned here."""
    if learned is None:
        return None
    return LearnedScores([each for each in learned.sources if each.source.name in names], learned.below)


def name_nodes(workspace: Core) -> Callable[[LabelId], str]:
    """Return a function that names the branch of a label: the deepest level with few enough branches to be read."""
    tree = workspace.index.snapshot()
    paths = {label: tree.path(nodes[0]) for label, nodes in tree.nodes_of.items() if nodes}
    depth, most = 1, 40
    for level in range(1, max(map(len, paths.values()), default=1) + 1):
        if len({path[:level] for path in paths.values()}) > most:
            break
        depth = level
    return lambda label: " > ".join(paths.get(label, ())[:depth])
