"""The tokens that may follow a prefix of semantic ids: with them a generative model writes ids of items alone."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.output_files import write_atomically
from taxonaut.workspace.files.sources import load_json, open_source

FORMAT = "taxonaut prefix tree"
VERSION = 1

Branch = dict[str, Any]
"""The tokens that may come next, each with its own branch; after the last token the list of item ids."""


class Vocabulary(Protocol):
    """What a tokenizer of `transformers` has."""

    def get_vocab(self) -> Mapping[str, int]:
        """Return the numbers of all tokens."""
        ...


class PrefixTree:
    """All semantic ids as a tree of tokens, all of the same length.

    >>> tree = PrefixTree.of({"p1": ["<a_0>", "<b_0>"], "p2": ["<a_0>", "<b_1>"]})
    >>> tree.allowed_next(["<a_0>"])
    ('<b_0>', '<b_1>')
    >>> tree.items(["<a_0>", "<b_1>"])
    ('p2',)
    """

    def __init__(self, branch: Branch, depth: int) -> None:
        self.branch = branch
        self.depth = depth

    @classmethod
    def of(cls, ids: Mapping[Any, Sequence[str]]) -> "PrefixTree":
        """Build the tree of `{item: [token, …]}`. Raises InputError for no items, or ids of different length."""
        lengths = {len(tokens) for tokens in ids.values()}
        if len(lengths) != 1 or 0 in lengths:
            raise InputError(
                f"the ids of {len(ids):,} items have {sorted(lengths)} tokens; a prefix tree takes one item at "
                "least, and as many tokens for each"
            )
        branch: Branch = {}
        for item, tokens in ids.items():
            below: Any = branch
            for token in tokens[:-1]:
                below = below.setdefault(token, {})
            below.setdefault(tokens[-1], []).append(str(item))
        return cls(branch, lengths.pop())

    def allowed_next(self, prefix: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the tokens that may follow; () after a whole id, and after what no id begins with."""
        below = self._below(prefix)
        return tuple(below) if isinstance(below, dict) else ()

    def items(self, tokens: Sequence[str]) -> tuple[str, ...]:
        """Return the items with this whole id, several only where ids have no resolver; () for any other tokens."""
        below = self._below(tokens)
        return tuple(below) if isinstance(below, list) else ()

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Iterate over all different ids."""
        stack: list[tuple[tuple[str, ...], Any]] = [((), self.branch)]
        while stack:
            prefix, below = stack.pop()
            if isinstance(below, list):
                yield prefix
            else:
                stack += [((*prefix, token), under) for token, under in reversed(below.items())]

    def prefix_allowed_tokens(
        self, numbers: Mapping[str, int] | Vocabulary, *, start: int, end: int
    ) -> Callable[[int, Any], list[int]]:
        """Return what `generate(prefix_allowed_tokens_fn=…)` of `transformers` takes.

        `numbers`: each token's number in the model, or a tokenizer. `start`: how many tokens stand before the id: 1
        for an encoder-decoder (its start token), the length of the padded prompt for a decoder. `end`: the number of
        the token that ends the output; it alone is allowed after a whole id. Raises InputError where a token of
        the ids has no number.
        """
        known = numbers if isinstance(numbers, Mapping) else numbers.get_vocab()
        used = dict.fromkeys(token for tokens in self for token in tokens)
        missing = [token for token in used if token not in known]
        if missing:
            raise InputError(
                f"{len(missing):,} of {len(used):,} tokens have no number in the model, such as {missing[0]!r}; "
                "add them: tokenizer.add_tokens(…), model.resize_token_embeddings(len(tokenizer))"
            )
        texts = {known[token]: token for token in used}

        def allowed(_: int, written: Any) -> list[int]:
            prefix = [texts.get(int(number), "") for number in written[start:]]
            return [known[token] for token in self.allowed_next(prefix)] or [end]

        return allowed

    def save(self, file: str | Path) -> None:
        """Write the tree as JSON, whole or not at all; `.gz` is compressed."""
        with write_atomically(Path(file)) as raw:
            raw.write(self.as_json())

    def as_json(self) -> bytes:
        """Return the tree as JSON: `{"format", "version", "depth", "tree": {token: {token: [item]}}}`."""
        row = {"format": FORMAT, "version": VERSION, "depth": self.depth, "tree": self.branch}
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def load(cls, file: str | Path) -> "PrefixTree":
        """Read what `save` wrote. Raises InputError for anything else."""
        with open_source(file, "json").open_text() as text:
            try:
                row = load_json(text.read())
            except (ValueError, RecursionError) as error:
                raise InputError(f"{str(file)!r} is not JSON: {error}") from None
        if not isinstance(row, dict) or (row.get("format"), row.get("version")) != (FORMAT, VERSION):
            raise InputError(f"{str(file)!r} is no prefix tree; write one with: taxonaut recommend export")
        depth = row.get("depth")
        if not isinstance(depth, int) or not _is_whole(row.get("tree"), depth):
            raise InputError(f"{str(file)!r} is damaged; write it again with: taxonaut recommend export")
        return cls(row["tree"], depth)

    def _below(self, prefix: Sequence[str]) -> Any:
        below: Any = self.branch
        for token in prefix:
            if not isinstance(below, dict) or token not in below:
                return None
            below = below[token]
        return below


def _is_whole(branch: Any, depth: int) -> bool:
    """Whether every path below has `depth` tokens and ends at a list of items."""
    if depth == 0:
        return isinstance(branch, list) and all(isinstance(item, str) for item in branch)
    return (
        isinstance(branch, dict)
        and bool(branch)
        and all(_is_whole(each, depth - 1) for each in branch.values())
    )
