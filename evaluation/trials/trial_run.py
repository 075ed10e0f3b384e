"""Run one version of a template on items; which templates can be tried, and what reads them."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from taxonaut.models.catalog import ENCODER
from taxonaut.state import version
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.categorize import JudgedItem
from taxonaut.state.ids import ItemId, LabelId, RunId
from taxonaut.state.recommendations import Categorized
from taxonaut.state.records import Item, ItemResult
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import Resumable
from taxonaut.workspace.expert.categorize import Categorization
from taxonaut.workspace.walk.classification import Classification, label_with_graph, label_with_walk
from taxonaut.workspace.walk.walk_graph import prepare_walk, walk_graph

KIND = "trial"
"""The kind of a trial's runs; `explain` and `cost` leave them out."""

SMALL_MODEL = "gguf/smollm2-135m-instruct"

Role = Literal["navigator", "general_expert"]


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads a template: the command, the role, how its model must answer, and the `ask` of [categorize]."""

    command: Literal["classify", "categorize"]
    role: Role
    answer: Literal["generated", "scored"] = "generated"
    ask: Literal["choose", "rank", "think"] | None = None


READERS: Mapping[str, Reader] = {
    "navigator/expand": Reader("classify", "navigator"),
    "navigator/expand_scored": Reader("classify", "navigator", "scored"),
    "general_expert/rank": Reader("classify", "general_expert"),
    "general_expert/rank_scored": Reader("classify", "general_expert", "scored"),
    "general_expert/choose": Reader("categorize", "general_expert", ask="choose"),
    "general_expert/order": Reader("categorize", "general_expert", ask="rank"),
    "general_expert/think": Reader("categorize", "general_expert", ask="think"),
}
"""The templates that can be tried."""

INSTEAD = (
    "build with each version (index build, vocabulary build, expert define), compare the results, and take one back "
    "with index undo"
)


@dataclass(frozen=True, slots=True)
class Found:
    """The labels that one version found for an item, best first. `reason` is what the model gave for the first."""

    item_id: ItemId
    labels: tuple[LabelId, ...]
    reason: str = ""
    error: str = ""


def find_reader(workspace: Core, name: str) -> Reader:
    """Return what reads a template in this workspace. Raises InputError if it cannot be tried, with the reason."""
    workspace.prompts.check_name(name)
    found = READERS.get(name)
    if found is None:
        raise InputError(
            f"{name} cannot be tried on items; these can: {', '.join(READERS)}. For {name}: {INSTEAD}; "
            f"taxonaut prompts check {name} shows how it renders"
        )
    model = getattr(workspace.config.models, found.role)
    if model.provider == ENCODER:
        raise InputError(explain_encoder(found, model.model))
    if model.answer != found.answer:
        read = next(
            other
            for other, each in READERS.items()
            if (each.command, each.role, each.answer) == (found.command, found.role, model.answer)
            or (each.role, each.answer, model.answer) == (found.role, "scored", "scored")
        )
        raise InputError(
            f'{name} is for a model with answer = "{found.answer}"; the {found.role} has '
            f'answer = "{model.answer}" and reads {read}. Try that one, or set the answer under '
            f"[models.{found.role}] in taxonaut.toml"
        )
    if found.role == "navigator" and workspace.policy().shortlist == "dense":
        raise InputError(
            'the navigator is not asked with shortlist = "dense"; set it to "both" or "tree" under [walk] in '
            "taxonaut.toml"
        )
    return found


def explain_encoder(reader: Reader, model: str) -> str:
    """Say that a role's model reads no template, and how to configure one that does."""
    scored = '\nanswer = "scored"' if reader.answer == "scored" else ""
    return (
        f"the {reader.role}'s model {model!r} compares texts and reads no template, so a change of it changes "
        "nothing. Give the role a language model in taxonaut.toml, such as this one, which runs in this process:\n\n"
        f'[models.{reader.role}]\nmodel = "{SMALL_MODEL}"{scored}'
    )


def configure(workspace: Core, reader: Reader, seed: int | None) -> Core:
    """Return the workspace with the settings of both versions: the seed, and the `ask` of the template."""
    if reader.command == "classify":
        return workspace if seed is None else workspace.with_walk(seed=seed)
    changes: dict[str, Any] = {"ask": reader.ask} if seed is None else {"ask": reader.ask, "seed": seed}
    table = workspace.config.categorize.model_copy(update=changes)
    return workspace.with_table("categorize", table)


async def run_version(
    workspace: Core, reader: Reader, items: Sequence[Item], *, everything: bool
) -> tuple[RunId, list[Found]]:
    """Run the effective templates of a workspace on items; finished items are kept, a killed run continues."""
    if reader.command == "classify":
        return await run_classify(workspace, items)
    return await run_categorize(workspace, items, everything=everything)


async def run_classify(workspace: Core, items: Sequence[Item]) -> tuple[RunId, list[Found]]:
    """Classify items; the run's fingerprint has only the templates that are read."""
    workspace.check_walkable()
    run = classify_run(workspace)
    label = label_with_walk(prepare_walk(workspace))
    if workspace.config.tracing.langsmith:
        label = label_with_graph(walk_graph(workspace).compile(), traced=True)
    made = Classification(run, workspace.decisions, workspace.items, label, workspace.batch)
    async with aclosing(made.results(items)) as results:
        found = [found_by_walk(result) async for _, result in results]
    return run_id(run), found


def classify_run(workspace: Core) -> Resumable:
    """Return the run that classifies under the effective templates; nothing is asked."""
    settings = {
        "index": workspace.index.version(),
        "templates": workspace.store_templates(templates_read_by_walk(workspace)),
        "version": version.VERSION,
        **workspace.config.answer_settings(),
        **workspace.learned_identity,
    }
    return Resumable(workspace.runs, KIND, settings)


def templates_read_by_walk(workspace: Core) -> list[str]:
    """Return the templates that a walk's language models read."""
    models = workspace.config.models
    roles = zip(workspace.wiring.walk_templates, (models.navigator, models.general_expert), strict=True)
    return [template for template, model in roles if model.provider != ENCODER]


def found_by_walk(result: ItemResult) -> Found:
    """Return the labels of a classified item."""
    labels = tuple(prediction.label_id for prediction in result.labels)
    reason = result.labels[0].reason if result.labels else ""
    return Found(result.item_id, labels, reason, result.error)


async def run_categorize(
    workspace: Core, items: Sequence[Item], *, everything: bool
) -> tuple[RunId, list[Found]]:
    """Categorize items: the general expert is asked where the domain expert is not sure, or about all."""
    made = Categorization(workspace, None, everything=everything, kind=KIND)
    if made.threshold.value == 0:
        raise InputError(
            "the threshold is 0, so the general expert is asked about nothing; give --everything"
        )
    async with aclosing(made.results(items)) as results:
        found = [found_by_experts(result, judged) async for _, (result, judged) in results]
    return run_id(made.run), found


def found_by_experts(result: Categorized, judged: JudgedItem | None) -> Found:
    """Return the labels of a categorized item."""
    labels = () if result.label_id is None else tuple(dict.fromkeys((result.label_id, *result.ranking)))
    return Found(result.item_id, labels, judged.reason if judged is not None else "", result.error)


def run_id(run: Resumable) -> RunId:
    """Return the id of a run that was carried out."""
    known = run.known
    assert known is not None
    return known.id
