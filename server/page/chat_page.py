"""The page that talks about the workspace."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.server.page.rendering import render
from taxonaut.server.service import Served
from taxonaut.state.index.index import Index

router = APIRouter(include_in_schema=False)

LONGEST_EXAMPLE = 40


@router.get("/chat")
def chat_screen(request: Request, service: Served) -> HTMLResponse:
    """Show the frame of a conversation; the script reads the thread of the address."""
    workspace = service.workspace
    tools = WorkspaceTools(workspace, allowed_files=()).tools.values()
    return render(
        request,
        service,
        "chat.html",
        "Chat",
        json_url="/api/chat/threads",
        model=workspace.config.models.assistant.model,
        examples=examples(workspace.index),
        commands=[
            (f"/{tool.command} {tool.usage}".strip(), tool.spec.description)
            for tool in tools
            if "FILE" not in tool.usage
        ],
    )


def examples(index: Index) -> list[str]:
    """Return things to say, in this tree's own names."""
    tops = index.children(index.root())
    if not tops:
        return []
    top = max(tops[:20], key=lambda node: len(index.children(node.id)))
    below = next(iter(index.children(top.id)), top)
    label = next(iter([*index.labels_at(below.id), *index.labels_at(top.id)]), below)
    names = [name for name in (label.name, below.name) if len(name) <= LONGEST_EXAMPLE]
    said = [f"where would “{name.lower()}” go?" for name in names[:1]]
    said += [f"what is under {name}?" for name in names[1:]]
    return [*said, "how many labels are there?"]
