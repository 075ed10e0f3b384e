"""Annif's paths (https://annif.org, its REST API v1), so that its clients work: the workspace is one project."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Form, Query, Response
from pydantic import BaseModel, Field

from taxonaut.models.encoder.languages import guess_language
from taxonaut.server.problems import RESPONSES
from taxonaut.server.routes.api_answers import uri_of
from taxonaut.server.routes.suggest_routes import LONGEST_TEXT, as_given
from taxonaut.server.service import LanguageQuery, Served, Service
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item, ItemResult
from taxonaut.state.version import VERSION
from taxonaut.workspace.labels.label_changes import find_label

router = APIRouter(prefix="/v1", tags=["annif"], responses=RESPONSES)

PERSON = "annif client"
"""Who says what is learned from here."""


class AnnifInfo(BaseModel):
    """What answers here."""

    title: str = "taxonaut, Annif's REST API"
    version: str = VERSION


class AnnifProject(BaseModel):
    """A workspace as Annif describes a project."""

    project_id: str
    name: str
    language: str
    backend: dict[str, str]
    is_trained: bool
    modification_time: str | None = None


class AnnifProjects(BaseModel):
    """All projects: one."""

    projects: list[AnnifProject]


class AnnifSubject(BaseModel):
    """A label as Annif suggests it; `uri` is the label's id where that is no URI."""

    uri: str
    label: str
    notation: str | None
    score: float


class AnnifResults(BaseModel):
    """The labels of one text."""

    results: list[AnnifSubject]


class AnnifBatchResults(AnnifResults):
    """The labels of one text of a batch."""

    document_id: str | None = None


class AnnifDocument(BaseModel):
    """A text of a batch."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    document_id: Annotated[str, Field(max_length=1_000)] | None = None


class AnnifBatch(BaseModel):
    """Texts to label, 32 at most as in Annif."""

    documents: Annotated[list[AnnifDocument], Field(max_length=32)]


class AnnifGivenSubject(BaseModel):
    """A right label of a text, by URI, id or name."""

    uri: Annotated[str, Field(max_length=20_000)] = ""
    label: Annotated[str, Field(max_length=20_000)] = ""


class AnnifLearnDocument(BaseModel):
    """A text with its right labels."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    subjects: Annotated[list[AnnifGivenSubject], Field(max_length=1_000)]


def project_id(service: Service) -> str:
    """Return the id of the one project: the name of the workspace's folder."""
    return service.workspace.folder.resolve().name


def _check(service: Service, id_: str) -> None:
    if id_ != project_id(service):
        raise NotFoundError(f"no project {id_[:80]!r}; there is {project_id(service)!r} (GET /v1/projects)")


@router.get("/")
def info() -> AnnifInfo:
    """Say what answers here."""
    return AnnifInfo()


@router.get("/projects")
def projects(service: Served) -> AnnifProjects:
    """List the projects: the workspace."""
    return AnnifProjects(projects=[_project(service)])


@router.get("/projects/{id}")
def project(service: Served, id: str) -> AnnifProject:
    """Show a project."""
    _check(service, id)
    return _project(service)


def _project(service: Service) -> AnnifProject:
    workspace = service.workspace
    return AnnifProject(
        project_id=project_id(service),
        name=project_id(service),
        language=workspace.config.labels.language,
        backend={"backend_id": "taxonaut"},
        is_trained=bool(workspace.index.labels_after(None, 1)),
    )


@router.post("/projects/{id}/suggest")
async def suggest(
    service: Served,
    id: str,
    text: Annotated[str, Form(max_length=LONGEST_TEXT)],
    limit: Annotated[int, Form(ge=1, le=100)] = 10,
    threshold: Annotated[float, Form(ge=0, le=1)] = 0.0,
    language: Annotated[str, Form(max_length=35)] = "",
) -> AnnifResults:
    """Label one text, sent as a form."""
    _check(service, id)
    item = as_given(text)
    found = await service.suggester.suggest([item], limit)
    names = await asyncio.to_thread(service.names, language)
    return AnnifResults(results=_subjects(found[0] if names is None else names.result(found[0]), threshold))


@router.post("/projects/{id}/suggest-batch")
async def suggest_batch(
    service: Served,
    id: str,
    batch: AnnifBatch,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    threshold: Annotated[float, Query(ge=0, le=1)] = 0.0,
    language: LanguageQuery = "",
) -> list[AnnifBatchResults]:
    """Label texts, sent as JSON."""
    _check(service, id)
    items = [as_given(each.text) for each in batch.documents]
    found = await service.suggester.suggest(items, limit) if items else []
    names = await asyncio.to_thread(service.names, language)
    return [
        AnnifBatchResults(
            document_id=each.document_id,
            results=_subjects(result if names is None else names.result(result), threshold),
        )
        for each, result in zip(batch.documents, found, strict=True)
    ]


def _subjects(result: ItemResult, threshold: float) -> list[AnnifSubject]:
    return [
        AnnifSubject(
            uri=uri_of(each.label_id) or each.label_id,
            label=each.name,
            notation=each.notation or None,
            score=each.score,
        )
        for each in result.labels
        if each.score >= threshold
    ]


@router.post("/projects/{id}/learn", status_code=204)
def learn(
    service: Served, id: str, documents: Annotated[list[AnnifLearnDocument], Body(max_length=1_000)]
) -> Response:
    """Keep the right labels of texts in the ledger; learning (a job) reads them."""
    _check(service, id)
    index = service.workspace.index
    given: list[tuple[Item, list[LabelId]]] = []
    for document in documents:
        labels = [
            find_label(index, subject.uri.strip("<>") or subject.label) for subject in document.subjects
        ]
        if labels:
            given.append((as_given(document.text), labels))
    with service.workspace.database.write():
        for item, labels in given:
            service.workspace.correct(item, labels, person=PERSON, complete=True)
    return Response(status_code=204)


class AnnifLanguageRequest(BaseModel):
    """A text, and the languages (ISO 639-1) that it may be in."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    languages: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=35)]], Field(min_length=1, max_length=100)
    ]


class AnnifLanguage(BaseModel):
    """A language with how likely the text is in it; null: in none of those asked for."""

    language: str | None
    score: float


class AnnifLanguages(BaseModel):
    """The languages, the likeliest first."""

    results: list[AnnifLanguage]


@router.post("/detect-language")
def detect_language(asked: AnnifLanguageRequest) -> AnnifLanguages:
    """Say which of some languages a text is in, by its letters and function words: 1 for that, or for null."""
    found = guess_language([asked.text])
    named = next((each for each in asked.languages if each.partition("-")[0].lower() == found), None)
    rest = [each for each in dict.fromkeys((*asked.languages, None)) if each != named]
    return AnnifLanguages(
        results=[
            AnnifLanguage(language=named, score=1.0),
            *(AnnifLanguage(language=each, score=0.0) for each in rest),
        ]
    )
