"""The record of a distribution over labels: how likely annotators are to give each label."""

from dataclasses import dataclass

from taxonaut.state.ids import ItemId, LabelId


@dataclass(frozen=True, slots=True)
class LabelShare:
    """The share of annotators that is expected to give a label.

    `low` and `high` bound the share in 90 of 100 held-out cases, where the method was fitted to annotators; None
    where it was not. `chosen`: the share reaches the label's threshold.
    """

    label_id: LabelId
    name: str
    probability: float
    low: float | None = None
    high: float | None = None
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class LabelDistribution:
    """An item's shares, in the order of the label set. Probabilities of several labels may add up to more than 1.

    `steps`: entropy in bits of each step that generated a label, for methods that list labels. `listed`: the labels
    in the order they were listed. `lost`: labels whose log-probability the server did not give. Without an answer
    `labels` is empty and `error` says why.
    """

    item_id: ItemId
    labels: tuple[LabelShare, ...]
    error: str = ""
    steps: tuple[float, ...] = ()
    listed: tuple[LabelId, ...] = ()
    lost: int = 0

    @property
    def best(self) -> list[LabelShare]:
        """The labels, the likeliest first."""
        return sorted(self.labels, key=lambda each: -each.probability)
