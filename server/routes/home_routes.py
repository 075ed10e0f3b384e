"""Whether the service is there, and what its workspace holds."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from taxonaut.server.problems import RESPONSES
from taxonaut.server.service import Served
from taxonaut.state.index.reader import IndexStats
from taxonaut.state.version import VERSION

router = APIRouter(prefix="/api", responses=RESPONSES)


class Health(BaseModel):
    """That the service is there."""

    status: Literal["ok"] = "ok"
    version: str = VERSION


class NextStep(BaseModel):
    """What to do next, in a sentence; `command` does it at a terminal."""

    text: str
    command: str = ""


class Home(BaseModel):
    """What a workspace holds, and what to do next.

    `tree`: how the tree was made (`native`, `kmeans`, …, `empty`). `version` is the number of the last change.
    `models`: the model of each role. `expert` and `learned`: the number of the trained expert and of the learned
    version in use, null and 0 without.
    """

    name: str
    version: int
    tree: str
    stats: IndexStats
    items: int
    truths: int
    review_open: int
    review_answered: int
    expert: int | None
    learned: int
    models: dict[str, str]
    next_steps: list[NextStep]


@router.get("/health", tags=["home"])
def health() -> Health:
    """Say that the service is there; needs no token."""
    return Health()


@router.get("/home", tags=["home"])
def home(service: Served) -> Home:
    """Show what the workspace holds and what to do next."""
    workspace = service.workspace
    stats, queue = workspace.index.stats(), workspace.review_queue().progress()
    cards = workspace.experts.cards()
    models = workspace.config.models
    return Home(
        name=workspace.folder.resolve().name,
        version=workspace.index.version(),
        tree=workspace.index.tree_method(),
        stats=stats,
        items=len(workspace.items),
        truths=len(workspace.ledger),
        review_open=queue.open,
        review_answered=queue.answered,
        expert=max((card.number for card in cards), default=None),
        learned=workspace.learned.in_use,
        models={role: getattr(models, role).model for role in type(models).model_fields},
        next_steps=next_steps(stats, queue.open, bool(cards)),
    )


def next_steps(stats: IndexStats, review_open: int, has_expert: bool) -> list[NextStep]:
    """Say what to do next in a workspace, the first thing first."""
    if not stats.labels:
        return [NextStep(text="Import your labels.", command="taxonaut labels import FILE")]
    steps = []
    if stats.labels_unplaced:
        many = "1 label is" if stats.labels_unplaced == 1 else f"{stats.labels_unplaced:,} labels are"
        steps.append(
            NextStep(text=f"{many} not in the tree: build one over them.", command="taxonaut index build")
        )
    if review_open:
        many = "1 item waits" if review_open == 1 else f"{review_open:,} items wait"
        steps.append(NextStep(text=f"{many} for a decision.", command="taxonaut review"))
    if not has_expert:
        steps.append(
            NextStep(
                text="Train an expert, if you have labelled items.", command="taxonaut expert train ITEMS"
            )
        )
    steps.append(NextStep(text="Label texts.", command='taxonaut classify "A TEXT"'))
    return steps


@router.post("/session", tags=["home"], status_code=204)
def start_session(service: Served) -> Response:
    """Start a page's session: send the token once, and get a cookie in its place."""
    response = Response(status_code=204)
    response.set_cookie(
        service.access.cookie, service.access.session, httponly=True, samesite="strict", path="/"
    )
    return response


@router.delete("/session", tags=["home"], status_code=204)
def end_session(service: Served) -> Response:
    """End a page's session."""
    response = Response(status_code=204)
    response.delete_cookie(service.access.cookie, httponly=True, samesite="strict", path="/")
    return response
