"""Run the service until it is asked to end: bind, say where it listens, answer, finish what is in flight."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from taxonaut.server.access import Access, Limits, is_loopback, new_token
from taxonaut.server.app import create_api, guarded
from taxonaut.server.service_file import (
    ServiceAddress,
    process_start,
    remove_service,
    write_service,
)
from taxonaut.state.errors import InputError
from taxonaut.workspace.workspace import Workspace

LEAST_TOKEN = 16
_BACKLOG = 512
_END_S = 60
"""How long requests in flight may take at the end."""


class _Server(uvicorn.Server):
    """Tells those who follow jobs that the service ends, which would wait for them."""

    def __init__(self, config: uvicorn.Config, api: FastAPI) -> None:
        super().__init__(config)
        self._api = api

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self._api.state.service.jobs.ending = True
        super().handle_exit(sig, frame)


def bind(host: str, port: int) -> socket.socket:
    """Listen at an address. Raises InputError for one that cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen at {host}, port {port}: {said}; give another --host or --port (0: any free port)"
        ) from None
    listener.listen(_BACKLOG)
    return listener


def make_access(host: str, port: int, token: str | None) -> Access:
    """Return what requests must bring. Raises InputError for a token that is too short to be one."""
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise InputError(
            f"--token has {len(token)} characters; give at least {LEAST_TOKEN}, without accents or blanks, or leave "
            "it out: one is made then"
        )
    loopback = is_loopback(host)
    return Access(
        token or new_token(), closed=not loopback or token is not None, loopback=loopback, port=port
    )


def run_service(
    workspace: Workspace, host: str, port: int, token: str | None, on_start: Callable[[ServiceAddress], None]
) -> None:
    """Serve an open workspace until SIGINT or SIGTERM; requests in flight are finished then.

    `on_start` is told where it listens. Raises InputError for an address that cannot be had, and where the workspace
    is served already.
    """
    with bind(host, port) as listener:
        port = listener.getsockname()[1]
        access = make_access(host, port, token)
        shown = f"[{host}]" if ":" in host else host
        address = ServiceAddress(
            f"http://{shown}:{port}", os.getpid(), access.token, process_start(os.getpid())
        )
        folder = Path(workspace.folder)
        write_service(folder, address)
        try:
            api = create_api(workspace, access, limits := Limits())
            config = uvicorn.Config(
                guarded(api, access, limits),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=_END_S,
                lifespan="on",
            )
            on_start(address)
            _Server(config, api).run(sockets=[listener])
        finally:
            remove_service(folder)
