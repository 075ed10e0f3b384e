"""Whether the service is there, and what its workspace holds."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from taxonaut import evaluation
from taxonaut.server.problems import RESPONSES
from taxonaut.server.service import Served
from taxonaut.state.errors import InputError
from taxonaut.state.index.reader import IndexStats
from taxonaut.state.version import VERSION
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.walk.labelled_items import store_gold
from taxonaut.workspace.workspace import Workspace

router = APIRouter(prefix="/api", responses=RESPONSES)


class Health(BaseModel):
    """That the service is there."""

    status: Literal["ok"] = "ok"
    version: str = VERSION


class NextStep(BaseModel):
    """What to do next, in a sentence; `command` does it at a terminal, `href` is the screen for it."""

    text: str
    command: str = ""
    href: str = ""


class Check(BaseModel):
    """Whether something is in order, in a sentence; `href` is the screen where it is mended."""

    ok: bool
    text: str
    href: str = ""


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
    health: list[Check]


@router.get("/health", tags=["home"])
def health() -> Health:
    """Say that the service is there; needs no token."""
    return Health()


@router.get("/home", tags=["home"])
def home(service: Served) -> Home:
    """Show what the workspace holds and what to do next."""
    workspace = service.workspace
    workspace.refresh()
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
        next_steps=next_steps(stats, queue.open, bool(cards), len(workspace.ledger)),
        health=health_checks(workspace, stats) if stats.labels else [],
    )


def health_checks(workspace: Workspace, stats: IndexStats) -> list[Check]:
    """Say what is in order and what is not: labels without a place, an expert that is missing or behind, disputes."""
    found = [
        Check(ok=False, text=f"{stats.labels_unplaced:,} labels have no place in the tree", href="/tree")
        if stats.labels_unplaced
        else Check(ok=True, text="Every label has its place in the tree")
    ]
    cards = workspace.experts.cards()
    if cards:
        latest = cards[-1]
        products = int(latest.data.get("products", 0))
        found.append(
            Check(ok=True, text=f"Expert {latest.number} is trained, on {products:,} items", href="/measures")
        )
    else:
        found.append(
            Check(ok=False, text="No expert is trained: review and learn, or train one", href="/review")
        )
    disputed = sum(bool(each.conflicts) for each in workspace.ledger.truths().values())
    if disputed:
        found.append(
            Check(
                ok=False,
                text=f"People disagree about {disputed:,} items, which count for neither",
                href="/review",
            )
        )
    if not len(workspace.ledger):
        found.append(
            Check(ok=False, text="No item has a known label: nothing can be measured yet", href="/try")
        )
    return found


_SUFFIXES = Literal[".csv", ".tsv", ".txt", ".jsonl", ".json", ".ttl", ".rdf"]


class StartRequest(BaseModel):
    """What an empty workspace begins with: the text of a label file, or the sample."""

    labels: Annotated[str, Field(max_length=7_000_000)] = ""
    suffix: _SUFFIXES = ".csv"
    sample: bool = False


class Started(BaseModel):
    """How many labels there are now, and how many items with known labels came along."""

    labels: int
    items: int


@router.post("/start", tags=["home"])
def start(service: Served, asked: StartRequest) -> Started:
    """Give an empty workspace its labels: those of a file, or PyPI's classifiers with this machine's packages."""
    workspace = service.workspace
    if asked.sample:
        workspace.import_labels(evaluation.demo.topic_labels())
        packages = evaluation.demo.installed_packages(workspace.index.label_ids())
        rows = evaluation.demo.as_item_rows(packages)
        workspace.items.put(row.item for row in rows)
        store_gold(workspace, rows, "sample")
    else:
        if not asked.labels.strip():
            raise InputError("no labels were given; give the text of a label file, or take the sample")
        with TemporaryDirectory() as folder:
            file = Path(folder) / f"labels{asked.suffix}"
            file.write_text(asked.labels, encoding="utf-8")
            workspace.import_labels(read_labels(str(file)))
        rows = []
    return Started(labels=len(workspace.index.label_ids()), items=len(rows))


def next_steps(stats: IndexStats, review_open: int, has_expert: bool, truths: int = 0) -> list[NextStep]:
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
        steps.append(NextStep(text=f"{many} for a decision.", command="taxonaut review", href="/review"))
    if truths:
        many = "1 item" if truths == 1 else f"{truths:,} items"
        text = f"Measure how good the labels are, on {many} with known ones."
        steps.append(NextStep(text=text, command="taxonaut evaluate ITEMS", href="/measures"))
    if not has_expert:
        steps.append(
            NextStep(
                text="Train an expert, if you have labelled items.", command="taxonaut expert train ITEMS"
            )
        )
    steps.append(NextStep(text="Label texts.", command='taxonaut classify "A TEXT"', href="/try"))
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
