"""`taxonaut trust`: confirm the servers and key variables that a workspace names."""

import sys
from typing import Annotated

import typer

from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import Session, command
from taxonaut.cli.shared.terminal import out, styled
from taxonaut.state.errors import InputError
from taxonaut.workspace.core.config import read_values
from taxonaut.workspace.core.trust import Endpoint, named_endpoints


@command("trust", example="taxonaut trust\ntaxonaut trust -w from-a-colleague --yes")
def trust(
    session: Session,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Confirm without being asked, for scripts.")
    ] = False,
) -> None:
    """Confirm the servers and key variables that a workspace names.

    They are shown first. No text and no key is sent to them until you confirm them on this machine, once; after a
    change of them you are asked again. Confirmations are kept in $XDG_CONFIG_HOME/taxonaut/trusted.json, by default
    below ~/.config. TAXONAUT_TRUST=1 in the environment confirms every workspace.
    """
    session.require_workspace()
    named = named_endpoints(session.folder, read_values(session.folder))
    if not named.endpoints:
        say("the settings name no server and no key variable: nothing to confirm")
        return
    for endpoint in named.endpoints:
        out().print(styled(describe_endpoint(endpoint)), soft_wrap=True)
    if not yes:
        if not sys.stdin.isatty():
            raise InputError("nobody is there to confirm them; add --yes if they are yours")
        if not typer.confirm("Send texts, and these keys, to these servers?", err=True):
            raise InputError("not confirmed; correct them in taxonaut.toml")
    named.trust()
    if not session.quiet:
        say(f"confirmed for {named.folder}")


def describe_endpoint(endpoint: Endpoint) -> str:
    """Say in a line which model a role has, where, and with which key."""
    place = f" at {endpoint.api_base}" if endpoint.api_base else ""
    key = f", key from ${endpoint.api_key_env}" if endpoint.api_key_env else ""
    return f"{endpoint.role}: {endpoint.model}{place}{key}"
