"""What was learned and how good it is: versions with their measures, and which one is in use."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from taxonaut.server.jobs.job_specs import JobRecord
from taxonaut.server.problems import RESPONSES
from taxonaut.server.service import Served
from taxonaut.workspace.core.learned_versions import Adoption
from taxonaut.workspace.expert.experts import ExpertCard

router = APIRouter(prefix="/api", tags=["measures"], responses=RESPONSES)


class LearnedVersionAnswer(BaseModel):
    """A learned version: what it was learned from, and what it was measured to change.

    `measures` has `parts` (items and labels that it was not learned from) and `rounds`, as `taxonaut learn show`.
    """

    number: int
    made: str
    parent: int
    data: dict[str, Any]
    measures: dict[str, Any]


class LearnedAnswer(BaseModel):
    """The learned versions, the latest first, and from when on which was in use, 0 for none."""

    in_use: int
    versions: list[LearnedVersionAnswer]
    log: list[Adoption]


@router.get("/learned")
def learned(service: Served) -> LearnedAnswer:
    """List the learned versions, with their measures."""
    history = service.workspace.learned
    versions = [
        LearnedVersionAnswer(
            number=card.number,
            made=card.made,
            parent=card.parent,
            data=dict(card.data),
            measures=dict(card.measures),
        )
        for card in reversed(history.cards())
    ]
    return LearnedAnswer(in_use=history.in_use, versions=versions, log=history.log())


class ExpertAnswer(BaseModel):
    """A trained expert: what it was trained on (`data`), and what it was measured to do (`metrics`)."""

    number: int
    made: str
    data: dict[str, Any]
    metrics: dict[str, Any]


class Measures(BaseModel):
    """What there is to look at: evaluations (jobs that ended well), learned versions, experts, labelled items."""

    labelled: int
    evaluations: list[JobRecord]
    learned: LearnedAnswer
    experts: list[ExpertAnswer]


@router.get("/measures")
def measures(service: Served) -> Measures:
    """List what was measured: evaluations, learned versions and experts, the latest first."""
    experts = [
        ExpertAnswer(number=card.number, made=card.made, data=dict(card.data), metrics=dict(card.metrics))
        for card in sorted(service.workspace.experts.cards(), key=lambda card: -card.number)
    ]
    evaluations = [each for each in service.jobs.all() if each.kind == "evaluate"]
    return Measures(
        labelled=len(service.workspace.ledger),
        evaluations=evaluations[:50],
        learned=learned(service),
        experts=experts,
    )


class InUse(BaseModel):
    """The learned version that is in use from now on, 0 for none."""

    in_use: int


class AdoptRequest(BaseModel):
    """Which learned version to use, 0 for none."""

    version: Annotated[int, Field(ge=0, lt=2**31)]


@router.post("/learned/adopt")
def adopt(service: Served, asked: AdoptRequest) -> InUse:
    """Use a learned version from now on."""
    return InUse(in_use=service.workspace.learned.adopt(asked.version).number)


@router.post("/learned/undo")
def undo(service: Served) -> InUse:
    """Use what was in use before the last change."""
    return InUse(in_use=service.workspace.learned.undo().number)


class Expert(BaseModel):
    """A trained expert: what it was trained on, with which settings, and how good it is on held-out items."""

    number: int
    kind: str
    made: str
    data: dict[str, Any]
    settings: dict[str, Any]
    metrics: dict[str, Any]


@router.get("/experts", tags=["learning"])
def experts(service: Served) -> list[Expert]:
    """List the trained experts, the newest last, which is the one in use."""
    service.workspace.refresh()
    return [_expert(card) for card in service.workspace.experts.cards()]


@router.get("/experts/{number}", tags=["learning"])
def expert(service: Served, number: int) -> Expert:
    """Show a trained expert."""
    service.workspace.refresh()
    return _expert(service.workspace.experts.card(number))


def _expert(card: ExpertCard) -> Expert:
    return Expert(
        number=card.number,
        kind=card.kind,
        made=card.made,
        data=dict(card.data),
        settings=dict(card.settings),
        metrics=dict(card.metrics),
    )
