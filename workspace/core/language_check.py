"""Tell, once, which labels or texts are in a language that the embedder does not know."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from taxonaut.models.embedder import Embedder
from taxonaut.models.encoder.languages import ENGLISH, count_languages, guess_language, language_name
from taxonaut.models.settings import ModelSettings
from taxonaut.models.weights import languages_of
from taxonaut.state.records import Item
from taxonaut.state.updates import UnknownLanguage, tell

_LEAST_SHARE = 0.05
_BATCH = 32
_MOST = 4_096


class LanguageCheck:
    """Compares languages with those of an embedder, as its settings, its catalogue entry or its model card say them.

    An embedder of which nothing is said may know them all. A language is told once in the life of this object.
    """

    def __init__(self, settings: ModelSettings, embedder: Embedder | None = None) -> None:
        self.embedder = settings.model if embedder is None else embedder.name
        self.known: Sequence[str] | None = settings.languages
        if self.known is None:
            self.known = (
                languages_of(settings.model) if embedder is None else getattr(embedder, "languages", None)
            )
        self.told: set[str] = set()

    def check_labels(self, texts: Sequence[str]) -> None:
        """Check the names or paths of a label set, which is judged as a whole."""
        if self.known is not None:
            self.tell(guess_language(texts) or ENGLISH, "labels", len(texts), len(texts))

    def check_items(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass items on as they are read, and check the first 4,096.

        A language is told as soon as one text in twenty of those read so far is in it.
        """
        found: Counter[str] = Counter()
        batch: list[str] = []
        read = 0
        for item in items:
            if self.known is not None and read < _MOST:
                batch.append(item.text)
                if len(batch) == _BATCH:
                    read = self.count(batch, found, read)
            yield item
        if batch:
            self.count(batch, found, read)

    def count(self, batch: list[str], found: Counter[str], read: int) -> int:
        """Count the languages of a batch, which is emptied; return how many texts were read."""
        found += count_languages(batch)
        read += len(batch)
        batch.clear()
        for code, count in found.items():
            if count >= _LEAST_SHARE * read:
                self.tell(code, "texts", count, read)
        return read

    def tell(self, code: str, what: str, count: int, read: int) -> None:
        """Tell of a language that the embedder does not know, unless it was told before."""
        if self.known is None or code in self.known or code in self.told:
            return
        self.told.add(code)
        known = tuple(language_name(each) for each in self.known)
        tell(UnknownLanguage(language_name(code), what, count, read, self.embedder, known))
