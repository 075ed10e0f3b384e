"""A workspace as an MCP server: its tools, its tree and a guide, over standard input and output or over HTTP."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.server.mcp import mcp_server as mcp_server
else:
    __getattr__ = lazy_modules(__name__)
