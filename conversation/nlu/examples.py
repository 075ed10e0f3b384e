"""Packaged example phrasings of each tool, with arguments in braces, that messages are compared with."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("phrasings.txt")
OTHER = "other"
"""The section of messages for no tool: small talk, general questions, prompt injections."""


@cache
def phrasings() -> Mapping[str, tuple[str, ...]]:
    """Load the phrasings of each tool by name, and those of `OTHER`."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif line and not line.startswith("#"):
            found.setdefault(section, []).append(line)
    return {name: tuple(lines) for name, lines in found.items()}
