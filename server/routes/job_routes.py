"""Long work as jobs: start, follow, read the results, cancel, continue; and the runs of the workspace."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from taxonaut.server.jobs.job_specs import JobRecord, JobSpec
from taxonaut.server.pages import MOST, AfterQuery, LimitQuery, Page, cursor, read_cursor
from taxonaut.server.problems import RESPONSES
from taxonaut.server.service import Served
from taxonaut.state.ids import RunId

router = APIRouter(prefix="/api", tags=["jobs"], responses=RESPONSES)

_QUIET = 15
"""Seconds without an event after which a comment keeps the connection open."""

JobId = Annotated[str, Path(max_length=100)]


@router.get("/jobs")
async def jobs(service: Served, limit: LimitQuery = 50, after: AfterQuery = "") -> Page[JobRecord]:
    """List the jobs, newest first."""
    place = read_cursor(after, int)
    start = max(0, place[0]) if place else 0
    found = service.jobs.all()
    end = start + limit
    return Page(entries=found[start:end], next=cursor(end) if end < len(found) else None)


@router.post("/jobs", status_code=202)
async def start(service: Served, spec: JobSpec) -> JobRecord:
    """Start a job; it is kept before this answers, and can be continued after a kill."""
    return service.jobs.add(spec.kind, spec.model_dump())


@router.get("/jobs/{id}")
async def job(service: Served, id: JobId) -> JobRecord:
    """Show how far a job is."""
    return service.jobs.get(id).record


@router.post("/jobs/{id}/cancel")
async def cancel(service: Served, id: JobId) -> JobRecord:
    """Stop a job; what it had finished is kept, and continuing it does not repeat that."""
    return await service.jobs.cancel(id)


@router.post("/jobs/{id}/continue", status_code=202)
async def resume(service: Served, id: JobId) -> JobRecord:
    """Continue a job that was cancelled, interrupted or has failed."""
    return service.jobs.resume(id)


class ResultRow(BaseModel):
    """A row of a job's results; its fields depend on the job's kind, as in the files of the command line."""

    row: dict[str, Any]


@router.get("/jobs/{id}/results")
def results(service: Served, id: JobId, limit: LimitQuery = 100, after: AfterQuery = "") -> Page[ResultRow]:
    """Read the results that are there, page by page, also while the job runs."""
    place = read_cursor(after, int)
    rows, end = service.jobs.results(id, max(0, place[0]) if place else 0, limit)
    return Page(entries=[ResultRow(row=row) for row in rows], next=None if end is None else cursor(end))


@router.get(
    "/jobs/{id}/events",
    response_class=StreamingResponse,
    responses={200: {"description": "Events `update` and `state`.", "content": {"text/event-stream": {}}}},
)
async def events(
    service: Served,
    id: JobId,
    last_event_id: Annotated[str | None, Header(max_length=20, pattern=r"^[0-9]*$")] = None,
) -> StreamingResponse:
    """Follow a job by server-sent events: `update` (as Python's `on_update`), and `state` with its record."""
    service.jobs.get(id)
    last = int(last_event_id or 0)

    async def stream() -> AsyncIterator[str]:
        quiet = 0
        async for event in service.jobs.listen(id, last):
            if event is None:
                quiet += 1
                if quiet % _QUIET == 0:
                    yield ": still here\n\n"
                continue
            quiet = 0
            number, kind, row = event
            yield f"id: {number}\nevent: {kind}\ndata: {json.dumps(row)}\n\n"
            await asyncio.sleep(0)

    return StreamingResponse(stream(), media_type="text/event-stream")


class RunAnswer(BaseModel):
    """A run that the workspace keeps. Times are UTC; `ended` is empty while it runs, and after a kill."""

    id: int
    kind: str
    status: str
    started: str
    ended: str
    units: int


@router.get("/runs")
def runs(service: Served, limit: LimitQuery = 50, after: AfterQuery = "") -> Page[RunAnswer]:
    """List the runs of the workspace, the latest first."""
    place = read_cursor(after, int)
    start = max(0, place[0]) if place else 0
    found = service.workspace.runs.list()
    end = start + limit
    entries = [
        RunAnswer(
            id=each.id,
            kind=each.kind,
            status=each.status,
            started=each.started,
            ended=each.ended,
            units=each.units,
        )
        for each in found[start:end]
    ]
    return Page(entries=entries, next=cursor(end) if end < len(found) else None)


RunNumber = Annotated[int, Path(ge=0, lt=2**31)]


class RunDetail(RunAnswer):
    """A run with what its decisions add up to; `requests` were sent to language models.

    `seconds` is the time of the models; `cost` is in US dollars, null where a price is not known.
    """

    decisions: int
    requests: int
    cached: int
    errors: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cost: float | None
    models: list[str]


@router.get("/runs/{id}")
def run(service: Served, id: RunNumber) -> RunDetail:
    """Show a run and what it cost."""
    workspace = service.workspace
    record = workspace.get_run(id)
    totals = workspace.decisions.totals(record.run.id)
    return RunDetail(
        id=record.run.id,
        kind=record.run.kind,
        status=record.run.status,
        started=record.run.started,
        ended=record.run.ended,
        units=record.run.units,
        decisions=totals.requests,
        requests=record.requests,
        cached=totals.cached,
        errors=totals.errors,
        prompt_tokens=totals.prompt_tokens,
        completion_tokens=totals.completion_tokens,
        seconds=totals.seconds,
        cost=record.cost,
        models=list(record.models),
    )


class Transcribed(BaseModel):
    """What a language model was sent for a decision about an item, and what it replied, in the OpenAI format."""

    agent: str
    template: str
    tool: str
    node_id: int | None
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    replies: list[dict[str, Any]]


@router.get("/runs/{id}/prompts")
def prompts(
    service: Served, id: RunNumber, item: Annotated[str, Query(min_length=1, max_length=20_000)]
) -> list[Transcribed]:
    """Show each prompt about an item as it was sent, and each reply; decisions without a kept prompt are left out."""
    return [
        Transcribed(
            agent=each.agent,
            template=each.template,
            tool=each.tool,
            node_id=each.node_id,
            messages=[dict(message) for message in each.transcript.messages],
            tools=[dict(tool) for tool in each.transcript.tools],
            replies=[dict(message) for message in each.transcript.replies],
        )
        for each in service.workspace.run_decisions(id, item, most=MOST)
        if each.transcript is not None
    ]


class DecisionAnswer(BaseModel):
    """A decision of a run; `options` counts what was offered, `choice` is what was chosen, best first."""

    item_id: str
    node_id: int | None
    agent: str
    template: str
    model: str
    tool: str
    options: int
    choice: list[str]
    evidence: list[str]
    prompt_tokens: int
    completion_tokens: int
    latency_s: float
    attempts: int
    cached: bool
    error: str


@router.get("/runs/{id}/decisions")
def decisions(
    service: Served, id: RunNumber, limit: LimitQuery = 50, after: AfterQuery = "", failed: bool = False
) -> Page[DecisionAnswer]:
    """List the decisions of a run in their order, optionally only those with an error."""
    place = read_cursor(after, int)
    start = max(0, place[0]) if place else 0
    found = service.workspace.decisions.of_run(RunId(id), start, limit + 1, failed=failed)
    entries = [
        DecisionAnswer(
            item_id=each.item_id,
            node_id=each.node_id,
            agent=each.agent,
            template=each.template,
            model=each.model,
            tool=each.tool,
            options=len(each.options),
            choice=list(map(str, each.choice)),
            evidence=list(each.evidence),
            prompt_tokens=each.usage.prompt_tokens,
            completion_tokens=each.usage.completion_tokens,
            latency_s=each.usage.latency_s,
            attempts=each.usage.attempts,
            cached=each.usage.cached,
            error=each.error,
        )
        for each in found[:limit]
    ]
    return Page(entries=entries, next=cursor(start + limit) if len(found) > limit else None)
