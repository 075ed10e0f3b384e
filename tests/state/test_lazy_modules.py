"""A package's modules load when they are first used."""

import subprocess
import sys

import pytest

import taxonaut
from taxonaut.workspace import walk


def test_a_module_is_an_attribute_of_its_package() -> None:
    code = (
        "import sys\nfrom taxonaut.workspace import walk\n"
        "before = 'taxonaut.workspace.walk.tally' in sys.modules\n"
        "print(before, walk.tally.Tally().items, walk.tally is sys.modules['taxonaut.workspace.walk.tally'])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "False 0 True\n"


@pytest.mark.parametrize("name", ["nothing", "__nothing__"])
def test_what_is_no_module_is_no_attribute(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'taxonaut.workspace.walk' has no attribute '{name}'"):
        getattr(walk, name)


def test_the_tools_are_reached_from_the_package() -> None:
    assert taxonaut.tools.search_labels.__module__ == "taxonaut.tools.search_labels"
