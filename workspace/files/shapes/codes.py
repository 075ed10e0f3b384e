"""Recognise a hierarchy in the codes of labels: NAICS, NACE, ICD, HS, UNSPSC, MeSH and others built like them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_RANGE = re.compile(r"([A-Z]?)(\d+)\s*[-–]\s*([A-Z]?)(\d+)")
_SPACED = re.compile(r"\d[\d. ]*")
"""Codes as printed, such as `0101 21 00`."""
_SIGNS = re.compile(r"[^0-9A-Za-z]")
_LETTER = re.compile(r"[A-Z]")
_PAIRS = 2
_SHARE = 0.5
_FEW = 3
_DENSE = 3


@dataclass(frozen=True, slots=True)
class CodeTree:
    """The parent of each code, "" at the top, in the order of the codes; `shape` says how it was read."""

    parents: tuple[str, ...]
    shape: str
    notes: tuple[str, ...] = ()


def find_code_tree(codes: Sequence[str], *, asked: bool = False) -> CodeTree | None:
    """Return the hierarchy that codes hold, or None.

    A code is below the longest other code that it begins with, signs left out (`01.11` is below `01.1`, `A00.1`
    below `A00`); below a range it falls in (`311` is below `31-33`, `A05` below `A00-A09`); with trailing zeros
    below the code that has zeros from there on (UNSPSC's `10101500` is below `10100000`). Rows of one letter are
    sections of the numbers that follow (NACE, ISIC). Unless `asked` for, at least half of the codes below the
    shortest must have a parent, and one code in three must be below another.
    """
    if len(codes) < _FEW or len(set(codes)) < len(codes) or any(not code for code in codes):
        return None
    if not asked and not _look_like_codes(codes):
        return None
    if any(re.search(r"\s", code.strip()) and not _SPACED.fullmatch(code.strip()) for code in codes):
        return None
    notes: list[str] = []
    zeros = _by_zeros(codes)
    found = zeros or _by_prefix(codes)
    parents = [found.get(code, "") for code in codes]
    by_section = _by_section(codes, parents)
    placed = sum(map(bool, parents))
    shortest = min(len(_bare(code)) for code in codes)
    longer = sum(len(_bare(code)) > shortest for code in codes) or 1
    if not asked and (placed < _SHARE * longer or 3 * placed < len(codes)):
        return None
    if not placed and not any(by_section):
        return None
    if any(by_section):
        parents = [parent or section for parent, section in zip(parents, by_section, strict=True)]
    if lost := _lost_zeros(codes):
        notes.append(lost)
    how = "zeros at the end of codes" if zeros else "beginnings of codes"
    return CodeTree(tuple(parents), f"the hierarchy in {how}", tuple(notes))


def _look_like_codes(codes: Sequence[str]) -> bool:
    """Whether texts are codes with digits, and not merely numbered one after the other."""
    longer = [code for code in codes if len(code) > 1] or list(codes)
    if sum(any(sign.isdigit() for sign in code) for code in longer) < 0.8 * len(longer):
        return False
    numbers = [int(code) for code in codes if code.isdigit() and not code.startswith("0")]
    if len(numbers) < len(codes):
        return True
    return max(numbers) - min(numbers) + 1 > _DENSE * len(numbers)


def _bare(code: str) -> str:
    return _SIGNS.sub("", code)


def _by_prefix(codes: Sequence[str]) -> dict[str, str]:
    """Return the parent of each code by the longest code that it begins with, or by the range that it is in."""
    ranges = [(code, match) for code in codes if (match := _RANGE.fullmatch(code))]
    in_range = {code for code, _ in ranges}
    dotted = sum("." in code for code in codes) >= 0.3 * len(codes)
    steps = {code: code.split(".") for code in codes}
    bare = {_bare(code): code for code in codes if code not in in_range}
    whole = set(codes)
    found: dict[str, str] = {}
    for code in codes:
        if code in in_range:
            outer = _narrowest_range(code, ranges)
            if outer:
                found[code] = outer
            continue
        parent = ""
        if dotted and len(steps[code]) > 1:
            for length in range(len(steps[code]) - 1, 0, -1):
                above = ".".join(steps[code][:length])
                if above in whole:
                    parent = above
                    break
        own = _bare(code)
        for length in range(len(own) - 1, 0, -1):
            above = bare.get(own[:length], "")
            if (
                above
                and above != code
                and len(_bare(above)) > len(_bare(parent))
                and not _cuts_step(above, code, dotted)
            ):
                parent = above
                break
        parent = parent or _narrowest_range(code, ranges)
        if parent:
            found[code] = parent
    return found


def _cuts_step(above: str, code: str, dotted: bool) -> bool:
    """Whether a beginning ends within a number of a dotted code, so that 1.1 is not above 1.12 nor 1 above 12.3.

    A longer number after the last dot may be a level of its own, as in NACE (01.1, 01.11).
    """
    if not dotted:
        return False
    first, second = above.split("."), code.split(".")
    return len(first[0]) != len(second[0]) and len(first) < 2 and len(first[0]) < len(second[0])


def _narrowest_range(code: str, ranges: Sequence[tuple[str, re.Match[str]]]) -> str:
    """Return the smallest range that a code, or a range, is in."""
    own = _RANGE.fullmatch(code)
    if own:
        letter, low, high = own[1], own[2], own[4]
    else:
        start = re.match(r"([A-Z]?)(\d+)", code)
        if start is None:
            return ""
        letter, low = start[1], start[2]
        high = low
    best, size = "", 10**12
    for name, match in ranges:
        width = len(match[2])
        same_letter = match[1] <= letter <= (match[3] or match[1])
        if name == code or not same_letter or len(low) < width:
            continue
        first, last = int(match[2]), int(match[4])
        if match[3] and match[3] != match[1]:
            inside = (match[1], first) <= (letter, int(low[:width])) and (letter, int(high[:width])) <= (
                match[3],
                last,
            )
            span = (ord(match[3]) - ord(match[1])) * 1000 + last
        else:
            inside = first <= int(low[:width]) and int(high[:width]) <= last
            span = last - first
        if inside and span < size and not (own and span <= int(own[4]) - int(own[2])):
            best, size = name, span
    return best


def _by_zeros(codes: Sequence[str]) -> dict[str, str]:
    """Return parents for codes of one length whose pairs of digits are filled with zeros from the top down."""
    lengths = {len(code) for code in codes}
    if len(lengths) != 1 or min(lengths) < 4 or not all(code.isdigit() for code in codes):
        return {}
    (length,) = lengths
    whole = set(codes)
    found: dict[str, str] = {}
    for width in (_PAIRS, 1):
        for code in codes:
            for end in range((length - 1) // width * width, 0, -width):
                above = code[:end] + "0" * (length - end)
                if above != code and above in whole:
                    found[code] = above
                    break
        if len(found) >= _SHARE * len(codes):
            return found
        found = {}
    return {}


def _by_section(codes: Sequence[str], parents: Sequence[str]) -> list[str]:
    """Return the section of each code without a parent: the one letter last seen above it in the file."""
    letters = [code for code in codes if _LETTER.fullmatch(code)]
    if len(letters) < 2 or letters != sorted(letters):
        return [""] * len(codes)
    numbers = [code for code in codes if code[:1].isdigit()]
    if 2 * len(numbers) < len(codes):
        return [""] * len(codes)
    section, found = "", []
    for code, parent in zip(codes, parents, strict=True):
        if _LETTER.fullmatch(code):
            section = code
            found.append("")
        else:
            found.append("" if parent else section)
    return found


def _lost_zeros(codes: Sequence[str]) -> str:
    """Say that leading zeros seem to be lost where codes of odd length stand next to many of even length."""
    digits = [code for code in codes if code.isdigit()]
    odd = [code for code in digits if len(code) % 2]
    even = len(digits) - len(odd)
    lengths = {len(code) for code in digits}
    whole = set(digits)
    under_even = sum(any(code[:end] in whole for end in range(2, len(code), 2)) for code in odd)
    if (
        odd
        and 2 * under_even < len(odd)
        and even > len(odd)
        and lengths <= {1, 2, 3, 4, 5, 6, 7, 8}
        and {3, 4} <= lengths
    ):
        heads = {code[0] for code in odd if len(code) > 1}
        twice = {code[:2] for code in digits if len(code) % 2 == 0}
        if heads and all(head not in {each[0] for each in twice if each[0] == "0"} for head in heads):
            return (
                f"{len(odd)} codes such as {odd[0]!r} are one digit shorter than others: a spreadsheet may have "
                "removed their leading zeros"
            )
    return ""
