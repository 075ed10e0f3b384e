"""Check the text that a model proposes for a template's block: no template code, no copied items, not too long."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from taxonaut.models.encoder.languages import ENGLISH, guess_language, stop_words
from taxonaut.models.settings import ModelSettings
from taxonaut.models.token_count import GGUF
from taxonaut.prompts.library import PromptLibrary
from taxonaut.prompts.variables import example_variables
from taxonaut.state.errors import InputError, TemplateError
from taxonaut.state.text_words import cut_words
from taxonaut.workspace.core.config import Config
from taxonaut.workspace.prompt_lab.checked_template import CheckedTemplate, ParsedTemplate, Sample
from taxonaut.workspace.prompt_lab.checks import (
    ROLES,
    TokenCounter,
    find_long_prompts,
    find_render_errors,
    find_undefined_variables,
    token_counter,
)
from taxonaut.workspace.prompt_lab.masked_blocks import MARK, MaskedBlock, unmask, version_with

COPIED = 5
"""So many words in a row that an item has too are copied from it; of a shorter item, all of them."""

TELLING = 2
"""A row of words counts as copied if it has so many that are no function words."""

FEW = 2
"""A label that at most so many items have must not be named: that would be their answer."""

LONGEST, AT_MOST = 1_500, 6_000
"""Characters that a block may have: twice what it has, at least and at most so many."""

LOOP = 30
"""A text of more words in which over half of all rows of three are repeated has looped."""

_MARKS = "\"'`“”„«»‘’"
_QUOTED = re.compile(
    rf"[{_MARKS}]([^{_MARKS}\n]+)[{_MARKS}]|(?:[:=>→])\s*([^\n]+?)\s*(?:$|[.,;])", re.MULTILINE
)
"""What stands in quotation marks, or behind a colon or an arrow."""

Words = tuple[str, ...]


class CopyCheck:
    """Finds what a text has copied from items: rows of their words, and names of labels that few of them have.

    What `known` texts have, such as the template itself, is not copied.
    """

    def __init__(self, items: Iterable[str], labels: Mapping[str, int], known: Iterable[str] = ()) -> None:
        texts = list(items)
        self.common = stop_words(ENGLISH) | stop_words(guess_language(texts) or ENGLISH)
        allowed = [words_of(text) for text in known]
        self.rows: set[Words] = set()
        for text in texts:
            words = words_of(text)
            self.rows |= set(rows_of(words, COPIED)) if len(words) >= COPIED else {words}
        self.rows = {row for row in self.rows if len(row) > 1 and self.is_telling(row)}
        self.names = {words_of(name) for name, count in labels.items() if count <= FEW}
        self.names -= {()}
        for words in allowed:
            self.rows -= {row for size in range(2, COPIED + 1) for row in rows_of(words, size)}
            self.names -= {row for size in self.name_sizes() for row in rows_of(words, size)}

    def is_telling(self, row: Words) -> bool:
        """Whether a row of words has enough that are no function words."""
        return sum(word not in self.common for word in row) >= min(TELLING, len(row) - 1)

    def name_sizes(self) -> list[int]:
        """Return the numbers of words that names have."""
        return sorted({len(name) for name in self.names})

    def find(self, text: str) -> Iterator[str]:
        """Yield what is copied, as it is written in the text's words, with what it is copied from."""
        words = words_of(text)
        for size in range(COPIED, 1, -1):
            for row in rows_of(words, size):
                if row in self.rows:
                    yield f"{' '.join(row)!r} stands in a single text"
        for size in self.name_sizes():
            if size > 1:
                yield from (
                    f"{' '.join(row)!r} is the label of single texts"
                    for row in rows_of(words, size)
                    if row in self.names
                )
        quoted = (words_of(first or second) for first, second in _QUOTED.findall(text))
        for row in quoted:
            if len(row) == 1 and row in self.names:
                yield f"{row[0]!r} is the label of single texts"


class ProposalCheck:
    """Checks proposed texts of blocks, and compiles those that pass."""

    def __init__(
        self,
        library: PromptLibrary,
        config: Config,
        samples: Mapping[str, Sequence[Sample]],
        copies: CopyCheck,
    ) -> None:
        self.library = library
        self.config = config
        self.samples = samples
        self.copies = copies
        self.counters: dict[str, TokenCounter] = {}

    def compile(self, block: MaskedBlock, text: str) -> str:
        """Return the source of a block with a proposed text. Raises InputError with a reason for a model to read."""
        check_text(block, text)
        if found := next(self.copies.find(MARK.sub("\n", text)), None):
            raise InputError(f"the text copies from what it is judged by: {found}; say in general what to do")
        source = unmask(block, text)
        self.check_template(block, source)
        return source

    def check_template(self, block: MaskedBlock, source: str) -> None:
        """Raise InputError if the template with a block's source has errors that `prompts check` reports."""
        name = block.template
        try:
            version = version_with(self.library, name, {block.block: source})
            own = ParsedTemplate(self.library.with_version(name, version.files), name)
        except TemplateError as error:
            raise InputError(f"the template would not be valid: {error.reason}") from None
        packaged = ParsedTemplate(PromptLibrary(), name)
        template = CheckedTemplate(
            own, packaged, list(self.samples.get(name, ())) or [example_variables(name)]
        )
        findings = [*find_undefined_variables(template), *find_render_errors(template)]
        if has_window(name, self.config):
            if name not in self.counters:
                self.counters[name] = token_counter(name, self.config)
            findings += find_long_prompts(template, self.counters[name])
        for finding in findings:
            if finding.level == "error":
                raise InputError(f"the template would not be valid: {finding.message}")


def has_window(template: str, config: Config) -> bool:
    """Whether the window of the model that reads a template is known: it runs in this process."""
    agent = template.partition("/")[0]
    settings: ModelSettings = getattr(config.models, ROLES.get(agent, agent))
    return settings.provider == GGUF


def check_text(block: MaskedBlock, text: str) -> None:
    """Raise InputError for a text that is empty, unchanged, too long, unprintable or repeats itself."""
    prose = MARK.sub(" ", text)
    if not any(character.isalnum() for character in prose):
        raise InputError("the text is empty; write the instructions anew")
    if text.split() == block.text.split():
        raise InputError("the text is the one that is there; change what led to the mistakes")
    most = longest_text(block)
    if len(text) > most:
        raise InputError(
            f"the text has {len(text):,} characters, and at most {most:,} are allowed; be shorter"
        )
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") and character not in "\n\t":
            raise InputError(f"the text has the character U+{ord(character):04X}; use printable ones")
    rows = Counter(rows_of(words_of(prose), 3))
    if rows.total() > LOOP and len(rows) < rows.total() / 2:
        raise InputError("the text repeats itself; say each thing once")


def longest_text(block: MaskedBlock) -> int:
    """Return how many characters a proposed text of a block may have."""
    return min(max(2 * len(block.text), LONGEST), max(AT_MOST, len(block.text)))


def words_of(text: str) -> Words:
    """Return the words of a text, case-folded and in compatibility form."""
    return tuple(word for word, _, _ in cut_words(unicodedata.normalize("NFKC", text)))


def rows_of(words: Sequence[str], size: int) -> Iterator[Words]:
    """Yield each row of so many words."""
    for start in range(len(words) - size + 1):
        yield tuple(words[start : start + size])
