"""`taxonaut mcp`: the workspace's tools for an MCP client."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from taxonaut.cli.shared.session import Session, command
from taxonaut.server import mcp as mcp_package


@command("mcp", example="taxonaut mcp -w shop\ntaxonaut mcp -w shop --read-only")
def mcp(
    session: Session,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Offer no tool that changes the index, or what is learned from."),
    ] = False,
) -> None:
    """Serve the workspace to an MCP client on standard input and output.

    The client starts this command itself: give it taxonaut as the command and mcp -w DIR as its arguments. It gets
    the tools of a conversation (classify, explain, search_labels, list_children, …), the tree and a guide as
    resources, and two prompts. A change comes back as a proposal with its diff, and is made by the tool
    confirm_change; undo takes it back. Messages go to standard error.
    """
    with session.open() as workspace:
        asyncio.run(mcp_package.mcp_server.serve_stdio(workspace, read_only=read_only))
