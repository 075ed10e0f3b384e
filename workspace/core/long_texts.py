"""Say of which texts only a part is read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from taxonaut.models.encoder.passages import PassageSettings, cut_passages
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.state.updates import TextsShortened, tell

_SHORTEST_PASSAGE = 15
"""Characters that a passage has at least."""


@dataclass(frozen=True, slots=True)
class TextLimits:
    """What is read of a text: passages where vectors are compared, characters where prompts show it; None: all."""

    passages: PassageSettings | None = None
    characters: int | None = None
    shown_by: Literal["prompt", "vocabulary"] = "prompt"

    def tell_shortened(self, items: Iterable[Item]) -> None:
        """Tell which items have more passages, or more characters, than are read (`TextsShortened`)."""
        cut: list[tuple[ItemId, int, int]] = []
        unread: list[tuple[ItemId, int, int]] = []
        for item in items:
            shown, length = len(item.named_text), len(item.text)
            if self.characters is not None and shown > self.characters:
                cut.append((item.id, self.characters, shown))
            if self.passages is not None and length > self.passages.most * _SHORTEST_PASSAGE:
                found = cut_passages(item.text, self.passages)
                if len(found.read) < found.total:
                    unread.append((item.id, len(found.read), found.total))
        if cut:
            tell(TextsShortened(self.shown_by, tuple(cut)))
        if unread:
            tell(TextsShortened("passages", tuple(unread)))
