"""A person says which first descriptors fit what they want; the answers are limited to items that have one of them.

AgenticTagger, 5.3: there a language model reads the target's text and chooses. Here a file says what fits each
item; without one it is the target's own first token.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taxonaut.recommend.item_codes import PAD, Codes
from taxonaut.state.errors import InputError

Mask = NDArray[np.bool_]
Fitting = Mapping[str, Sequence[str]]


def read_fitting(path: Path) -> dict[str, list[str]]:
    """Read `{item: [first token, …]}`.

    Raises:
        InputError: No such file or no such JSON.
    """
    if not path.is_file():
        raise InputError(
            f"there is no {str(path)!r}; --critique FILE names a file {{item: [first token, …]}}"
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{str(path)!r} is not JSON ({error})") from None
    if not isinstance(found, dict) or not all(isinstance(each, list) for each in found.values()):
        raise InputError(f"{str(path)!r} is not an object {{item: [first token, …]}}")
    return found


def masks(codes: Codes, items: Sequence[str], fitting: Fitting | None = None) -> Callable[[int], Mask]:
    """Return a function from a target's row to the (items,) that are left: a first token fits.

    A target that the file leaves out, or for which nothing fits, is not limited; without a file, one whose first
    slot is a pad. Of a target whose own first token was not chosen, no right answer is left.

    Raises:
        InputError: The file names a token that no item has in its first slot.
    """
    first = np.array(codes.first)
    with_first = {token: first == token for token in dict.fromkeys(codes.first)}
    if fitting is not None:
        unknown = next(
            (token for each in fitting.values() for token in each if token not in with_first), None
        )
        if unknown is not None:
            raise InputError(
                f"--critique names {unknown!r}, which is no item's first token in {codes.name!r}; "
                f"there are {len(with_first)}, {next(iter(with_first))!r} among them"
            )

    def left(target: int) -> Mask:
        own = [token for token in (codes.first[target],) if token != PAD]
        chosen = own if fitting is None else fitting.get(items[target], ())
        if not chosen:
            return np.ones(len(items), dtype=np.bool_)
        return np.logical_or.reduce([with_first[token] for token in chosen])

    return left
