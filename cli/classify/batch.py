"""`taxonaut classify --batch-out, --batch-in`: language models asked by batch files, level by level."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.item_command import embed_labels
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.terminal import counted
from taxonaut.models import llm
from taxonaut.state.errors import InputError

if TYPE_CHECKING:
    from taxonaut.cli.shared.item_input import ItemInput
    from taxonaut.cli.shared.session import Session
    from taxonaut.workspace.workspace import Workspace

BATCH_PANEL = "Batch files"

BatchOutOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Ask no model: write what would be asked next to FILE, in OpenAI's batch format (JSON lines).",
        rich_help_panel=BATCH_PANEL,
        show_default=False,
    ),
]
BatchInOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Take the replies to the last --batch-out from FILE, and go on.",
        rich_help_panel=BATCH_PANEL,
        show_default=False,
    ),
]


def walk_in_batch(
    session: Session,
    given: ItemInput,
    walk: Mapping[str, Any],
    replies: str | None,
    requests: str | None,
) -> bool:
    """Go on with all texts as far as the replies reach, write what is to be asked next, and say what to do.

    Returns whether requests are left; if none are, all texts are finished. Raises InputError if requests are left and
    there is no file for them.
    """
    if requests and replies and os.path.abspath(requests) == os.path.abspath(replies):
        raise InputError(f"--batch-in and --batch-out are the same file, {requests!r}; give two")
    batch = llm.batch_files.Batch(llm.batch_files.read_replies(Path(replies)) if replies else {})
    with progress(session) as bar, session.open() as opened:
        if not opened.config.records.texts:
            raise InputError(
                "batch files need replies to be kept; set `texts = true` in [records] of taxonaut.toml"
            )
        workspace = opened.with_walk(**walk).with_wrapped_models(batch.model)
        if workspace.compares_vectors:
            embed_labels(workspace, bar)
        bar.stage("labelling", given.count)
        try:
            finished, failed = asyncio.run(read_all(workspace, given))
        except KeyboardInterrupt:
            raise InterruptedWork("run the same command again to continue") from None
    left = len(batch.requests)
    if not session.quiet and replies:
        rest = len(batch.replies) - batch.answered - batch.unusable
        say(
            f"replies: {batch.answered:,} taken, {batch.unusable:,} unusable, {rest:,} of no request that waits"
        )
    if not left:
        if failed:
            raise InputError(f"{counted(failed, 'text')} could not be finished, and nothing is left to ask")
        if requests and not session.quiet:
            say("nothing is left to ask: no file of requests was written")
        return False
    if requests is None:
        raise InputError(
            f"{counted(left, 'request')} are left to ask; the replies are kept: name a file with --batch-out"
        )
    batch.write(Path(requests))
    if not session.quiet:
        say(
            f"{counted(left, 'request')} written to {requests}; {finished:,} of "
            f"{counted(given.count, 'text')} finished. "
            "Have them answered, then run the same command with --batch-in REPLIES and another --batch-out"
        )
    return True


async def read_all(workspace: Workspace, given: ItemInput) -> tuple[int, int]:
    """Go through all texts; returns how many are finished and how many are not."""
    classification = workspace.classification()
    classification.waits = True
    finished = failed = 0
    async with aclosing(classification.results(given.items())) as results:
        async for item, result in results:
            given.take(item)
            blank = not item.text.strip()
            finished += blank or not result.error
            failed += not blank and bool(result.error)
    return finished, failed
