"""docs/prompts.md has each template's variables."""

from pathlib import Path
from typing import get_type_hints

import pytest

import taxonaut
from taxonaut.prompts.variables import VARIABLES

DOCUMENT = Path(taxonaut.__file__).parent / "docs" / "prompts.md"


def row(name: str) -> str:
    """A template's row of the table."""
    return f"| `{name}` | {', '.join(f'`{each}`' for each in get_type_hints(VARIABLES[name]))} |"


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_the_variables_of_each_template_are_documented(name: str) -> None:
    assert row(name) in DOCUMENT.read_text(encoding="utf-8").splitlines()
