"""Make a change to the index, or only see what it would do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from taxonaut.state.tree_diff import IndexDiff
from taxonaut.workspace.wording import clipped

if TYPE_CHECKING:
    from taxonaut.workspace.workspace import Workspace

LONGEST_NOTE = 200


def make_change(
    workspace: "Workspace", change: Callable[[], object], note: str, *, dry_run: bool = False
) -> IndexDiff:
    """Carry a change out as one transaction and one change of the log, and return what differs.

    A dry run takes it back; the diff's `after` is then the number it would have had.
    """
    index = workspace.index
    with attempt(workspace, dry_run=dry_run), index.change(clipped(" ".join(note.split()), LONGEST_NOTE)):
        before = index.version()
        change()
        return index.diff_since(before)


@contextmanager
def attempt(workspace: "Workspace", *, dry_run: bool) -> Iterator[None]:
    """Hold one transaction, which a dry run ends with a rollback."""
    if not dry_run:
        with workspace.database.write():
            yield
        return
    with workspace.index.trial(), suppress(_DryRunError), workspace.database.write():
        yield
        raise _DryRunError


class _DryRunError(Exception):
    """Ends a dry run's transaction."""
