"""What `taxonaut.recommend` makes public."""

import inspect
import sys
from pathlib import Path
from subprocess import run

import pytest

from taxonaut import recommend


def test_the_public_names_are_exactly_what_can_be_seen() -> None:
    assert sorted(recommend.__all__) == recommend.__all__ == dir(recommend)
    assert len(set(recommend.__all__)) == len(recommend.__all__)
    for name in recommend.__all__:
        value = getattr(recommend, name)
        assert inspect.isclass(value) or inspect.isfunction(value), name
        assert value.__doc__, name
        if inspect.isfunction(value):
            parameters = inspect.signature(value).parameters.values()
            assert all(each.annotation is not inspect.Parameter.empty for each in parameters), name
    with pytest.raises(AttributeError, match=r"module 'taxonaut\.recommend' has no attribute 'nothing'"):
        getattr(recommend, "nothing")  # noqa: B009


def test_names_and_modules_do_not_hide_each_other() -> None:
    """A module of a public name would take its place in the package once it is imported."""
    package = recommend.__path__[0]
    modules = {path.stem for path in Path(package).glob("*.py")}
    assert modules.isdisjoint(recommend.__all__)


@pytest.mark.slow
def test_without_pytorch_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from taxonaut.recommend import Interactions, Query, Training, item_ids, train\n"
        "data = Interactions(('a', 'b'), {'u': (0, 1)}, (Query('u', (0,), 1),), (Query('u', (0,), 1),))\n"
        "train(data, item_ids(data.items), Training(), 0)\n"
    )
    ended = run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith(
        "MissingExtraError: torch is not installed; install it with: pip install 'taxonaut[recommend]'"
    )
