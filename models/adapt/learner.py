"""What learners learn from, and their protocol (XMC-Agent 2.3, "Agent Adaption via Iterative Feedback Learning")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from taxonaut.models.requests import OptionText
from taxonaut.state.ids import ItemId, LabelId


@dataclass(frozen=True, slots=True)
class LabelledText:
    """An item's text with its right labels, and those that a walk answered and that are wrong (*error*).

    `missed` are the right labels that it did not answer (*miss*). `weight` says how far the labels are to be trusted,
    from 0 to 1.
    """

    item_id: ItemId
    text: str
    right: tuple[LabelId, ...]
    wrong: tuple[LabelId, ...] = ()
    missed: tuple[LabelId, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainingMaterial:
    """Labelled texts, and what each label that may be trained on is compared by.

    Labels that are held out are in none of the fields. `siblings` are the labels that share a label's node, in the
    order of `options`; `seed` determines every random choice.
    """

    examples: Sequence[LabelledText]
    options: Mapping[LabelId, OptionText]
    siblings: Mapping[LabelId, Sequence[LabelId]] = field(default_factory=dict)
    seed: int = 0


class Learner(Protocol):
    """Learns from labelled texts and writes what it learned to files."""

    @property
    def name(self) -> str:
        """The learner's name in cards and settings, such as `adapter`."""

    def learn(self, material: TrainingMaterial, folder: Path) -> Mapping[str, Any]:
        """Learn, write the files to a folder, and return what the card says about it as JSON values.

        Raises InputError where there is too little to learn from.
        """
