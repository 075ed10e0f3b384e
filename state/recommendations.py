"""Records exchanged by the domain and the general expert: recommendations and verdicts (Dual-Expert, figure 1)."""

from dataclasses import dataclass
from typing import Literal

from taxonaut.state.ids import ItemId, LabelId

Verdict = Literal["domain", "general", "none", "undecided", "blank", "failed"]
"""Who decided, or why there is no decision.

`domain`: the domain expert's confidence reached the threshold. `general`: the general expert chose. `none`: it found
no fitting candidate. `undecided`: the text says too little, or there was no candidate to ask about. `blank`: the
item has no text. `failed`: the general expert's model gave no valid reply.
"""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The domain expert's candidates for one item, best first, with calibrated probabilities.

    Both are empty if it abstains.
    """

    item_id: ItemId
    labels: tuple[LabelId, ...]
    probabilities: tuple[float, ...]

    @property
    def confidence(self) -> float:
        """The probability of the first candidate; 0 if it abstains."""
        return self.probabilities[0] if self.probabilities else 0.0


@dataclass(frozen=True, slots=True)
class Categorized:
    """One item's category, and who decided it.

    `label_id` is None if the verdict is `none`, `undecided`, `blank` or `failed`: there is no default. `path` runs
    from the node below the root to the label's name. `ranking` is the general expert's order of the candidates,
    empty if it was not asked; `reason` is its explanation. `error` is set if its request failed.
    """

    item_id: ItemId
    label_id: LabelId | None
    path: tuple[str, ...]
    verdict: Verdict
    recommended: Recommendation
    ranking: tuple[LabelId, ...] = ()
    reason: str = ""
    error: str = ""
