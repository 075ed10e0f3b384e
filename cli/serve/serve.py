"""`taxonaut serve`: hold a workspace, and answer over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut import server
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import Session, command

if TYPE_CHECKING:
    from taxonaut.server.service_file import ServiceAddress


@command(
    "serve",
    example="taxonaut serve\ntaxonaut serve --port 0\ntaxonaut serve --host 0.0.0.0",
)
def serve(
    session: Session,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Listen here; another address than this machine's needs a token."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 for any free one.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            envvar="TAXONAUT_TOKEN",
            help="Ask for this token also where somebody only reads. Default: one is made.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the workspace over HTTP: labels for texts, the tree, changes, reviews, jobs.

    The API is under /api, its documentation at /api/docs. Programs on this machine may read and ask for labels;
    changes need the token, as 'Authorization: Bearer TOKEN'. On another address all need it. Other commands go on
    working while the service runs. Ctrl-C ends it when what is in flight is finished.
    """

    def announce(address: ServiceAddress) -> None:
        say(f"serving {session.folder} at {address.url}  (API: {address.url}/api/docs); stop it with Ctrl-C")
        if token is None:
            say(f"to make changes on its pages, open {address.url}/#token={address.token}")

    with session.open() as workspace:
        server.run.run_service(workspace, host, port, token, announce)
    if not session.quiet:
        say("the service has ended")
