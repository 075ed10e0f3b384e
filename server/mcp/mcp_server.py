"""The MCP server of a workspace: on standard input and output, or as an application of streamable HTTP."""

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from mcp import types
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.server.mcp.mcp_resources import (
    GUIDE,
    PROMPTS,
    RESOURCES,
    TEMPLATES,
    UNTRUSTED,
    get_prompt,
    json_text,
    read_resource,
)
from taxonaut.server.mcp.mcp_tools import CONFIRM, DISCARD, EVALUATE, PROPOSAL_SCHEMA, McpTools
from taxonaut.state import version
from taxonaut.state.errors import TaxonautError
from taxonaut.tools.support.chat_tool import Tool
from taxonaut.workspace.core.text_format import printable
from taxonaut.workspace.workspace import Workspace

if TYPE_CHECKING:
    from starlette.applications import Starlette

LOGGER = logging.getLogger(__name__)

INSTRUCTIONS = (
    f"Labels texts by a large tree of labels, and edits the tree. Read {GUIDE} first. Changes are proposals: show "
    f"the diff to the user, and call {CONFIRM} when they agree. {UNTRUSTED}"
)

OVER_HTTP = "mcp"
"""Who corrects items over HTTP."""

T = TypeVar("T")


def mcp_server(workspace: Workspace, *, read_only: bool = False, person: str = "") -> "Server[Any]":
    """Return the server over an open workspace; it keeps no state of a client except its proposals.

    All work on the workspace is done on a loop of its own, so that the transport's loop answers meanwhile.
    """
    tools = McpTools(workspace, read_only=read_only, person=person)
    offered = [described(tool) for tool in tools.tools.values()]

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=offered)

    async def call_tool(_: Any, given: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            data = await PORTAL.await_here(tools.call(given.name, given.arguments or {}))
        except TaxonautError as error:
            return failed(str(error))
        except Exception:
            LOGGER.exception("the tool %r failed", given.name[:200])
            return failed("this call failed inside the server; its log on standard error says why")
        return types.CallToolResult(
            content=[types.TextContent(text=json_text(data))], structured_content=data
        )

    async def list_resources(_: Any, __: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=list(RESOURCES))

    async def list_templates(_: Any, __: Any) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=list(TEMPLATES))

    async def read(_: Any, given: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        contents = await answer(read_resource(tools, str(given.uri)))
        return types.ReadResourceResult(contents=[contents])

    async def list_prompts(_: Any, __: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=list(PROMPTS))

    async def prompt(_: Any, given: types.GetPromptRequestParams) -> types.GetPromptResult:
        async def made() -> types.GetPromptResult:
            return get_prompt(workspace.index, given.name, given.arguments or {})

        return await answer(made())

    return Server(
        "taxonaut",
        version=version.VERSION,
        title="taxonaut",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read,
        on_list_prompts=list_prompts,
        on_get_prompt=prompt,
    )


async def answer(work: Coroutine[Any, Any, T]) -> T:
    """Do work on the workspace's loop; a user's mistake is an error of the protocol, with its message."""
    try:
        return await PORTAL.await_here(work)
    except TaxonautError as error:
        raise MCPError(types.INVALID_PARAMS, printable(str(error))) from None


def described(tool: Tool) -> types.Tool:
    """Return a tool as clients see it: its schema, and whether it writes."""
    confirms = tool.name == CONFIRM
    hints = types.ToolAnnotations(
        title=tool.name.replace("_", " ").capitalize(),
        read_only_hint=not (tool.changes or tool.name in (CONFIRM, DISCARD, EVALUATE)),
        destructive_hint=confirms,
        idempotent_hint=True if confirms else None,
        open_world_hint=False,
    )
    return types.Tool(
        name=tool.name,
        description=tool.spec.description,
        input_schema=dict(tool.spec.parameters),
        output_schema=dict(PROPOSAL_SCHEMA) if tool.changes else None,
        annotations=hints,
    )


def failed(message: str) -> types.CallToolResult:
    """Return the result of a call that failed, for the model to read and mend."""
    return types.CallToolResult(content=[types.TextContent(text=printable(message))], is_error=True)


def mcp_app(workspace: Workspace, *, read_only: bool = False, host: str = "127.0.0.1") -> "Starlette":
    """Return an ASGI application that answers streamable HTTP at `/mcp`.

    Its lifespan has to run: in another application, take over its routes and enter
    `app.router.lifespan_context(app)`. For a loopback `host` it refuses foreign Host and Origin headers; tokens, and
    the checks for other addresses, are the business of the service around it.
    """
    server = mcp_server(workspace, read_only=read_only, person=OVER_HTTP)
    return server.streamable_http_app(host=host)


async def serve_stdio(workspace: Workspace, *, read_only: bool = False) -> None:
    """Answer one client on standard input and output, until it closes the input.

    Meanwhile whatever else is printed goes to standard error. SIGINT and SIGTERM end the process once the running
    step of the work is done: the thread that waits for input cannot be ended otherwise.
    """
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end_process, workspace, number)
    server = mcp_server(workspace, read_only=read_only)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def end_process(workspace: Workspace, number: int) -> None:
    """Stop the work, close the workspace and end the process, as a signal asked."""
    PORTAL.close()
    workspace.close()
    os._exit(128 + number)
