"""What passes between the two experts: recommended categories, and what was decided (Dual-Expert, figure 1)."""

from dataclasses import dataclass
from typing import Literal

from taxonaut.state.ids import ItemId, LabelId

Verdict = Literal["domain", "general", "none", "undecided", "blank", "failed"]
"""Who decided, or why nobody did.

`domain`: the domain expert was sure enough. `general`: the general expert chose. `none`: it found that none of
the candidates fits. `undecided`: it could not decide from what the text says, or the domain expert had no
candidate, so that nobody was asked. `blank`: the item has no text.
`failed`: the general expert's model gave no valid answer.
"""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The domain expert's candidates for one item, best first, with calibrated probabilities.

    Both are empty where it abstains.
    """

    item_id: ItemId
    labels: tuple[LabelId, ...]
    probabilities: tuple[float, ...]

    @property
    def confidence(self) -> float:
        """The probability of the first candidate; 0 where it abstains."""
        return self.probabilities[0] if self.probabilities else 0.0


@dataclass(frozen=True, slots=True)
class Categorized:
    """One item's category, and how it was come by.

    `label` is None where the verdict is `none`, `undecided`, `blank` or `failed`: never a default. `path` runs from
    the node below the root to the label's own name. `ranking` is the general expert's order of the candidates,
    empty where it was not asked; `reason` its own words. `error` is set where its request failed.
    """

    item_id: ItemId
    label: LabelId | None
    path: tuple[str, ...]
    verdict: Verdict
    recommended: Recommendation
    ranking: tuple[LabelId, ...] = ()
    reason: str = ""
    error: str = ""
