"""One text, looked at closely: its labels, its walk, and what other methods say; and a file of texts, as a table."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import BaseModel, Field

from taxonaut.server.jobs.job_specs import MOST_ITEMS, ClassifyJob, JobItem, JobRecord
from taxonaut.server.problems import RESPONSES, ProblemError
from taxonaut.server.routes.api_answers import Suggestion, suggestion
from taxonaut.server.routes.job_routes import JobId
from taxonaut.server.routes.suggest_routes import LONGEST_TEXT, GivenItem, as_given
from taxonaut.server.service import Served, Service
from taxonaut.state.errors import DiskError, InputError, TaxonautError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import Item, ItemResult
from taxonaut.state.stores.ledger import ItemTruth
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.item_files import (
    TEXT_FIELDS,
    ItemColumns,
    ItemFields,
    ItemFile,
    check_items,
    row_of_text,
)
from taxonaut.workspace.files.result_files import labelled_format, open_file
from taxonaut.workspace.files.sources import Source, format_of
from taxonaut.workspace.files.tables import read_table
from taxonaut.workspace.walk.classification import load_result
from taxonaut.workspace.walk.explanation import Explanation, Step

router = APIRouter(prefix="/api", tags=["suggest"], responses=RESPONSES)

MOST_PASSED = 8
"""Branches passed by that are named at a node; the others are counted."""

MOST_HELD = 12
"""Labels of an opened node that are named."""

COMPARED = 10
"""Labels of each other method."""


class TryRequest(BaseModel):
    """A text to look at."""

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"\S")]
    top: Annotated[int | None, Field(ge=1, le=100)] = None


class HeldLabel(BaseModel):
    """A label of an opened node; `rank` counts from 1 in the answer, null where it is not in it."""

    id: LabelId
    name: str
    rank: int | None


class WalkStep(BaseModel):
    """A branch that the walk saw. `dropped`: chosen, and left closed for this reason; `how` it was reached.

    `passed` counts the branches passed by that `steps` leaves out, `more` the labels that `labels` leaves out.
    """

    node: NodeId
    name: str
    score: float | None
    opened: bool
    evidence: str
    dropped: str | None
    how: str | None
    error: str
    steps: list["WalkStep"]
    passed: int
    labels: list[HeldLabel]
    more: int


class SourceShare(BaseModel):
    """What one source says of a label, from 0 to 1, what it added to the similarity, and why."""

    label_id: LabelId
    source: str
    score: float
    added: float
    why: str


class TryAnswer(BaseModel):
    """A text's labels and its walk, null where no tree was walked; `truth` is what people said of the text."""

    text: str
    suggestion: Suggestion
    walk: WalkStep | None
    requests: int
    candidates: int
    shares: list[SourceShare]
    truth: ItemTruth | None


class ComparedLabel(BaseModel):
    """A label that another method found."""

    id: LabelId
    name: str
    path: list[str]
    score: float


class OtherMethod(BaseModel):
    """What another method says: `dense` retrieval, or the trained `expert`; `note` says what it cannot say."""

    method: Literal["dense", "expert"]
    title: str
    labels: list[ComparedLabel]
    note: str


@router.get("/try")
async def look(
    service: Served, text: Annotated[str, Query(min_length=1, max_length=20_000, pattern=r"\S")]
) -> TryAnswer:
    """Label a text, and show how it came to its labels."""
    return await try_text(service, TryRequest(text=text))


@router.post("/try")
async def try_text(service: Served, asked: TryRequest) -> TryAnswer:
    """Do what GET does, for longer texts."""
    item = as_given(asked.text)
    (result,) = await service.suggester.suggest([item], asked.top)
    walk = None if result.error else await run_in_threadpool(_walk_of, service, item)
    truth = await run_in_threadpool(_truth_of, service, item)
    ranks = {label.label_id: rank for rank, label in enumerate(result.labels, start=1)}
    return TryAnswer(
        text=item.text,
        suggestion=suggestion(item, result),
        walk=None if walk is None else await run_in_threadpool(_walk_answer, service, walk, ranks),
        requests=0 if walk is None else walk.requests,
        candidates=0 if walk is None else walk.candidates,
        shares=[]
        if walk is None
        else [
            SourceShare(label_id=e.label_id, source=e.source, score=e.score, added=e.added, why=e.why)
            for e in walk.shares
        ],
        truth=truth,
    )


def _walk_of(service: Service, item: Item) -> Explanation | None:
    try:
        return service.workspace.explain(item.id)
    except TaxonautError:  # nothing was walked: the labels say why
        return None


def _truth_of(service: Service, item: Item) -> ItemTruth | None:
    unit = unit_key(item)
    return service.workspace.ledger.truths([unit]).get(unit)


def _walk_answer(service: Service, walk: Explanation, ranks: Mapping[LabelId, int]) -> WalkStep:
    held: list[LabelId] = []

    def keep(step: Step) -> None:
        step.labels.sort(key=lambda label: ranks.get(label, len(ranks) + 1))
        held.extend(step.labels[:MOST_HELD])
        for below in step.steps:
            keep(below)

    keep(walk.root)
    known = [label for label in dict.fromkeys(held) if service.workspace.index.has_label(label)]
    names = {label.id: label.name for label in service.workspace.index.labels(known)}
    return _step_answer(walk.root, names, ranks)


def _step_answer(step: Step, names: Mapping[LabelId, str], ranks: Mapping[LabelId, int]) -> WalkStep:
    seen = [each for each in step.steps if each.opened or each.dropped]
    passed = [each for each in step.steps if not each.opened and not each.dropped]
    shown = [*seen, *passed[:MOST_PASSED]]
    return WalkStep(
        node=step.node,
        name=step.name,
        score=step.score,
        opened=step.opened,
        evidence=step.evidence,
        dropped=step.dropped,
        how=step.how,
        error=step.error,
        steps=[_step_answer(each, names, ranks) for each in shown],
        passed=len(passed[MOST_PASSED:]),
        labels=[
            HeldLabel(id=label, name=names[label], rank=ranks.get(label))
            for label in step.labels[:MOST_HELD]
            if label in names
        ],
        more=len(step.labels[MOST_HELD:]),
    )


@router.post("/try/compare")
async def compare(service: Served, asked: TryRequest) -> list[OtherMethod]:
    """Show what dense retrieval says of a text, and the trained expert if there is one."""
    item = as_given(asked.text)
    return await run_in_threadpool(_compare, service, item)


def _compare(service: Service, item: Item) -> list[OtherMethod]:
    workspace = service.workspace
    workspace.check_has_labels()
    found = workspace.wiring.retriever().search_now([item.text], COMPARED)[0]
    methods = [
        OtherMethod(
            method="dense",
            title="Dense retrieval",
            labels=_compared(service, found),
            note="All labels by likeness to the text, without the tree. Scores are similarities.",
        )
    ]
    if workspace.experts.cards():
        methods.append(_ask_expert(service, item))
    return methods


def _ask_expert(service: Service, item: Item) -> OtherMethod:
    title = f"Trained expert {max(card.number for card in service.workspace.experts.cards())}"
    try:
        found = service.workspace.categorize([item], threshold=0.0)[0].recommended
    except TaxonautError as error:
        return OtherMethod(method="expert", title=title, labels=[], note=str(error))
    pairs = list(zip(found.labels, found.probabilities, strict=True))[:COMPARED]
    note = (
        "Scores are its calibrated probabilities." if pairs else "It abstains: no category is likely enough."
    )
    return OtherMethod(method="expert", title=title, labels=_compared(service, pairs), note=note)


def _compared(service: Service, found: list[tuple[LabelId, float]]) -> list[ComparedLabel]:
    index = service.workspace.index
    known = [label for label, _ in found if index.has_label(label)]
    labels, paths = {each.id: each for each in index.labels(known)}, index.paths_of(known)
    return [
        ComparedLabel(
            id=label, name=labels[label].name, path=list((paths[label] or [()])[0]), score=round(score, 6)
        )
        for label, score in found
        if label in labels
    ]


UPLOADS = ("csv", "tsv", "jsonl", "json", "excel", "lines")
"""Formats of files that can be dropped on the page."""


class UploadAnswer(BaseModel):
    """A file that is being labelled: the job, and how the file was understood."""

    job: JobRecord
    items: int
    text_column: str
    notes: list[str]


@router.post(
    "/try/file",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def label_file(
    request: Request,
    service: Served,
    name: Annotated[str, Query(min_length=1, max_length=200, description="The file's name, for its format.")],
    column: Annotated[
        str, Query(max_length=200, description="The column of the texts; else it is found.")
    ] = "",
) -> UploadAnswer:
    """Label the texts of a file (CSV, TSV, JSON lines, JSON, Excel, or one a line), sent as the body, as a job.

    GET /api/jobs/{id}/table gives its rows with their labels.
    """
    file = await run_in_threadpool(_read_file, name, await request.body(), column)
    if file.count > MOST_ITEMS:
        raise ProblemError(
            413, f"{name[:80]!r} has {file.count:,} texts; send at most {MOST_ITEMS:,} at once"
        )
    items: list[str | JobItem] = [JobItem(id=row.item.id, text=row.item.text) for row in file.rows()]
    record = service.jobs.add("classify", ClassifyJob(kind="classify", items=items).model_dump())
    await run_in_threadpool(_keep_upload, service, record.id, file)
    return UploadAnswer(job=record, items=file.count, text_column=file.columns.text, notes=[*file.notes])


def _read_file(name: str, body: bytes, column: str) -> ItemFile:
    """Read a file that was sent; nothing of it touches the disk. Raises InputError for one that cannot be read."""
    if not body:
        raise InputError(f"the file {name[:80]!r} is empty; send one with a text in each row")
    plain = Path(name).name
    source = Source(plain, Path(plain), format_of(Path(plain)), data=body)
    if source.format not in UPLOADS:
        raise InputError(
            f"{plain!r} cannot be read here; send CSV, TSV, JSON lines, Excel (.xlsx), or plain text with a text in "
            "each line"
        )
    columns = ItemColumns(text=column) if column else ItemColumns()
    return check_items(read_table(source, plain=columns.text), columns, named=True)


def _keep_upload(service: Service, job: str, file: ItemFile) -> None:
    """Keep the rows of a file next to its job, so that its table has the file's own columns."""
    head = {"names": list(file.fields.names), "id": file.fields.id, "types": dict(file.fields.types)}
    try:
        with service.jobs.get(job).rows_file.open("w", encoding="utf-8") as stream:
            stream.write(json.dumps(head) + "\n")
            for row in file.rows():
                line = {"id": row.item.id, "text": row.item.text, "values": dict(row.values)}
                stream.write(json.dumps(line, default=str) + "\n")
    except OSError as error:
        raise DiskError(f"the file cannot be kept: {error.strerror}; free some disk space") from None


class LabelledRow(BaseModel):
    """A text of a job with its labels."""

    text: str
    result: Suggestion


class LabelledRows(BaseModel):
    """Texts of a job, in the order of the file, as far as they are labelled."""

    rows: list[LabelledRow]


@router.get("/jobs/{id}/rows", tags=["jobs"])
def job_rows(
    service: Served,
    id: JobId,
    first: Annotated[int, Query(ge=0, le=MOST_ITEMS)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> LabelledRows:
    """Read the texts of a classify job with their labels, from number `first` on, also while the job runs."""
    _, rows = _labelled_rows(service, id)
    return LabelledRows(
        rows=[
            LabelledRow(text=item.text, result=suggestion(item, result))
            for item, _, result in islice(rows, first, first + limit)
        ]
    )


TABLES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@router.get(
    "/jobs/{id}/table",
    tags=["jobs"],
    response_class=Response,
    responses={200: {"description": "The table.", "content": {kind: {} for kind in TABLES.values()}}},
)
def job_table(service: Served, id: JobId, format: Literal["csv", "xlsx"] = "csv") -> Response:
    """Download a classify job's texts with their labels, as the command line writes them: no cell runs as a formula.

    A job of a file has the columns of the file.
    """
    fields, rows = _labelled_rows(service, id)
    with TemporaryDirectory(prefix="taxonaut-") as folder:
        path = Path(folder) / f"labelled.{format}"
        found = list(rows)
        most = max((len(result.labels) for _, _, result in found), default=1)
        notations = any(label.notation for _, _, result in found for label in result.labels)
        shape = labelled_format(max(most, 1), notations=notations)
        with open_file(path, shape, fields=fields) as writer:
            writer.write([result for _, _, result in found], [values for _, values, _ in found])
        content = path.read_bytes()
    headers = {"Content-Disposition": f'attachment; filename="labelled.{format}"'}
    return Response(content, media_type=TABLES[format], headers=headers)


_Row = tuple[Item, Mapping[str, object], ItemResult]


def _labelled_rows(service: Service, id_: str) -> tuple[ItemFields, Iterator[_Row]]:
    """Return the columns of a job's texts, and its texts with their rows and results."""
    job = service.jobs.get(id_)
    if job.record.kind != "classify":
        raise InputError(
            f"job {id_!r} is one of {job.record.kind!r}; only classify jobs have a table of labels"
        )
    if not job.rows_file.exists():
        return TEXT_FIELDS, _joined(
            _spec_rows(json.loads(job.spec_file.read_text("utf-8"))), job.results_file
        )
    with job.rows_file.open(encoding="utf-8") as stream:
        head = json.loads(stream.readline())
    return ItemFields(tuple(head["names"]), head["id"], head["types"]), _joined(
        _file_rows(job.rows_file), job.results_file
    )


def _spec_rows(spec: Mapping[str, Any]) -> Iterator[tuple[Item, Mapping[str, object]]]:
    for given in spec["items"]:
        text, id_ = (given, None) if isinstance(given, str) else (given["text"], given["id"])
        item = as_given(GivenItem(text=text, id=id_))
        yield item, row_of_text(item)


def _file_rows(file: Path) -> Iterator[tuple[Item, Mapping[str, object]]]:
    with file.open(encoding="utf-8") as stream:
        for line in islice(stream, 1, None):
            row = json.loads(line)
            yield Item(ItemId(row["id"]), row["text"]), row["values"]


def _joined(given: Iterable[tuple[Item, Mapping[str, object]]], results: Path) -> Iterator[_Row]:
    """Yield the texts whose results are there; both are in one order."""
    if not results.exists():
        return
    with results.open(encoding="utf-8") as stream:
        for (item, values), line in zip(given, stream, strict=False):
            if not line.endswith("\n"):
                return
            yield item, values, load_result(json.loads(line))
