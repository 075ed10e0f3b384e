"""`taxonaut langgraph`: the listing with which LangGraph's server and Studio run the graphs over a workspace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.global_options import WORKSPACE_VARIABLE
from taxonaut.cli.shared.session import Session, command
from taxonaut.cli.shared.terminal import counted
from taxonaut.state.errors import DiskError, InputError

LISTING = "langgraph.json"
MODULE = "taxonaut.conversation.langgraph_server"
GRAPHS = {
    "chat": "Talk about the labels and their tree; a change waits for a confirmation.",
    "navigate": "Find the labels of texts by walking the tree.",
    "categorize": "Give each text one category: a trained expert first, a language model where it is unsure.",
    "build_index": "Build a tree over the labels.",
    "insert_labels": "Add labels to the tree.",
    "build_vocabulary": "Build a vocabulary of descriptors from texts.",
    "assign_vocabulary": "Assign descriptors of the vocabulary to texts.",
}
"""The graphs of the listing, each with what it does; servers show it, and offer it to MCP clients."""


@command("langgraph", example="taxonaut langgraph -w shop\ntaxonaut langgraph my-project -w shop")
def langgraph(
    session: Session,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Directory of the project.", show_default="this one")
    ] = Path("."),
) -> None:
    """Write langgraph.json, for LangGraph's server and Studio, into a project.

    The server then runs the graphs (classification, building, a conversation) over this workspace, shows their steps,
    and lists them for MCP clients. Start it in that directory with: langgraph dev (pip install
    "langgraph-cli[inmem]"). In a listing that exists, other graphs and settings stay as they are.
    """
    session.require_workspace()
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is not a directory; create it, or name one that exists")
    path = folder / LISTING
    listing = with_graphs(read_listing(path), session.folder.absolute(), path)
    try:
        path.write_text(json.dumps(listing, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise DiskError(
            f"{str(path)!r} cannot be written: {error.strerror}; choose another directory"
        ) from None
    if not session.quiet:
        say(
            f"wrote {counted(len(GRAPHS), 'graph')} over {str(session.folder)!r} into {str(path)!r}; next, in that "
            "directory: langgraph dev"
        )


def read_listing(path: Path) -> dict[str, Any]:
    """Read a listing; an empty one where there is no file. Raises InputError for a file that is no listing."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{str(path)!r} is no JSON object; mend it, move it away, or name another directory")
    return found


def with_graphs(listing: dict[str, Any], workspace: Path, path: Path) -> dict[str, Any]:
    """Return a listing with our graphs over a workspace. Raises InputError for a name that other graphs have."""
    graphs, variables = listing.get("graphs", {}), listing.get("env", {})
    if not isinstance(graphs, dict) or not isinstance(variables, dict | str):
        raise InputError(f"`graphs` and `env` of {str(path)!r} are not objects; mend them")
    for name in GRAPHS.keys() & graphs.keys():
        entry = graphs[name]
        if MODULE not in str(entry.get("path") if isinstance(entry, dict) else entry):
            raise InputError(
                f"{str(path)!r} has another graph {name!r}; rename it, or name another directory"
            )
    if isinstance(variables, str):
        raise InputError(
            f"`env` of {str(path)!r} is the file {variables!r}; write {WORKSPACE_VARIABLE}={workspace} into it, make "
            "`env` an object, or name another directory"
        )
    ours = {name: {"path": f"{MODULE}:{name}", "description": said} for name, said in GRAPHS.items()}
    return {
        **listing,
        "dependencies": listing.get("dependencies") or ["."],
        "graphs": {**graphs, **ours},
        "env": {**variables, WORKSPACE_VARIABLE: str(workspace)},
    }
