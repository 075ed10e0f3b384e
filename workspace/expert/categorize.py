"""Categorize items as a resumable run; each expert's answers are stored apart, independent of the threshold."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, Unpack

from pydantic import ValidationError

from taxonaut.agents.asking import MOST_CHARACTERS
from taxonaut.agents.category_expert import ROOM, TEMPLATES, CategoryExpert, CategorySettings
from taxonaut.agents.domain_expert import DomainExpert
from taxonaut.agents.general_expert import SCORED_TEMPLATE
from taxonaut.graphs.categorize import categorize
from taxonaut.models.catalog import ENCODER
from taxonaut.models.encoder.probabilities import PRIOR
from taxonaut.state import version
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.categorize import UNREACHABLE_THRESHOLD, JudgedItem
from taxonaut.state.ids import ItemId
from taxonaut.state.recommendations import Categorized, Recommendation
from taxonaut.state.records import Item
from taxonaut.state.stores.decisions import Totals
from taxonaut.state.stores.runs import RunUnits
from taxonaut.workspace.build.build_agents import model_identity
from taxonaut.workspace.core.config import CategorizeConfig, CategorizeSettings, problems
from taxonaut.workspace.core.container import Wiring
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.long_texts import TextLimits
from taxonaut.workspace.core.resumable import MAX_FAILURES, BatchResult, Resumable, unit_key
from taxonaut.workspace.core.run_graph import run_graph
from taxonaut.workspace.expert.audit_file import load_audit, parse_judgement, parse_recommendation
from taxonaut.workspace.expert.category_texts import category_texts
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.expert.fused_expert import FusedExpert
from taxonaut.workspace.files.results import CategorizedItems
from taxonaut.workspace.walk.item_scores import scores_of

KIND = "categorize"
STAGE = "categorizing"
DEFAULT_THRESHOLD = 0.5
GENERAL = "general_expert"
"""The agent whose decisions are model requests."""

BATCH = 2048
"""Batch size without a language model."""

IN_FLIGHT = 4
"""Batch size with a language model, as a multiple of its concurrent requests."""

ROUTED_FACTOR = 8
"""Factor of the batch size if a threshold sends only some items to the general expert."""

_RECOMMENDED, _JUDGED = "d:", "g:"


@dataclass(frozen=True, slots=True)
class Threshold:
    """The confidence below which the general expert decides, and its origin.

    `audit`: proposed by the expert's last audit; `is_stale` if that was for another model or other settings.
    """

    value: float
    origin: Literal["set", "audit", "default", "everything"]
    is_stale: bool = False


Routed = tuple[Categorized, JudgedItem | None]
"""An item's category, and the general expert's judgement if it was asked."""


class Categorization:
    """A resumable categorization; its run stores each expert's answers apart.

    The fingerprint covers both experts, the index and the settings, but not the threshold: after a change of the
    threshold, or an audit, only missing answers are requested. `kind` is that of its run.
    """

    def __init__(
        self, workspace: Core, expert: int | None, *, everything: bool = False, kind: str = KIND
    ) -> None:
        self.workspace = workspace
        self.experts = Experts(workspace)
        self.card = self.experts.card(expert)
        self.scores = joined_scores(workspace, self.card.number)
        self.run = Resumable(workspace.runs, kind, self.fingerprint_settings())
        self.threshold = (
            Threshold(UNREACHABLE_THRESHOLD, "everything") if everything else self.resolve_threshold()
        )

    def fingerprint_settings(self) -> dict[str, Any]:
        """Return everything that either expert's answers depend on."""
        config, given = self.workspace.config, self.workspace.wiring.injected.classifier
        template = category_template(self.workspace)
        return {
            **({"given_expert": given.name} if given is not None else {}),
            **(self.workspace.learned_identity if self.scores is None else self.workspace.scores_identity),
            "version": version.VERSION,
            "expert": self.card.number,
            "made": self.card.made,
            "index": self.workspace.index.version(),
            "task": config.task.description,
            "general_expert": model_identity(config.models.general_expert),
            "embeddings": model_identity(config.embeddings),
            "scoring": config.scoring.deciding(),
            "categorize": config.categorize.model_dump(
                mode="json", exclude={"threshold", "examples", "characters"}
            ),
            "template": {template: self.workspace.prompts.hash(template)},
        }

    def resolve_threshold(self) -> Threshold:
        """Return the configured threshold, else that of the last audit, else the default."""
        given = self.workspace.config.categorize.threshold
        if given is not None:
            return Threshold(given, "set")
        audit = load_audit(self.workspace, self.card.number)
        if audit is None or audit.threshold is None:
            return Threshold(DEFAULT_THRESHOLD if self.scores is None else 0.0, "default")
        return Threshold(audit.threshold, "audit", audit.fingerprint != self.run.fingerprint)

    @property
    def batch(self) -> int:
        """The batch size."""
        model = self.workspace.config.models.general_expert
        if model.provider == ENCODER or self.threshold.value == 0:
            return BATCH
        return min(
            BATCH,
            IN_FLIGHT * model.concurrency * (1 if self.threshold.origin == "everything" else ROUTED_FACTOR),
        )

    @property
    def compares_vectors(self) -> bool:
        """Whether the general expert is used and compares vectors of labels."""
        return self.threshold.value > 0 and self.workspace.config.models.general_expert.provider == ENCODER

    def text_limits(self) -> TextLimits:
        """Return what the general expert reads of a long text."""
        if self.threshold.value == 0:
            return TextLimits()
        if self.compares_vectors:
            return TextLimits(passages=self.workspace.wiring.scorer.passage_settings)
        return TextLimits(characters=MOST_CHARACTERS)

    def totals(self, agent: str | None = GENERAL) -> Totals:
        """Return the cost of all calls of this categorization, by default of the general expert's requests."""
        run = self.run.known
        return self.workspace.decisions.totals(run.id, agent=agent) if run is not None else Totals()

    def results(self, items: Iterable[Item]) -> AsyncGenerator[tuple[Item, Routed], None]:
        """Yield each item with its category, and the general expert's judgement if it was asked.

        Raises as `Resumable.results` does, after `MAX_FAILURES` failed requests in a row.
        """
        return self.run.results(items, self.batch, self.work, failures=MAX_FAILURES, stage=STAGE)

    @cached_property
    def graph(self) -> Any:
        """The compiled graph over both experts; with a threshold of 0 the general expert is not opened."""
        workspace = self.workspace
        settings = workspace.config.categorize
        classifier = self.scores or self.experts.classifier(self.card.number)
        domain = DomainExpert(classifier, settings.candidates, settings.abstain)
        general = None
        if self.threshold.value > 0:
            general = make_category_expert(workspace.wiring)
            workspace.store_templates([category_template(workspace)])
        return categorize(
            workspace.index,
            domain,
            general,
            lambda labels: category_texts(workspace, labels),
            self.threshold.value,
        ).compile()

    async def work(self, run: RunUnits, items: Sequence[Item]) -> BatchResult[Routed]:
        """Categorize a batch: stored answers are loaded, the graph produces the rest."""
        keys = {item.id: unit_key(item) for item in items}
        units = [mark + key for key in keys.values() for mark in (_RECOMMENDED, _JUDGED)]
        recommended, judged = load_answers(keys, run.finished(units))
        found = {item.id: blank_result(item) for item in items if not item.text.strip()}
        todo = [item for item in items if item.id not in found]
        if not todo:
            return BatchResult([(found[item.id], None) for item in items], [None] * len(items))
        self.workspace.items.put(todo)
        self.text_limits().tell_shortened(todo)
        given = {"items": todo, "recommended": recommended, "judged": judged}
        state = await run_graph(self.graph, given, traced=self.workspace.config.tracing.langsmith)
        found |= state["categorized"]
        said: Mapping[ItemId, JudgedItem] = state["judged"]
        new: dict[str, Mapping[str, Any]] = {
            _RECOMMENDED + keys[item]: dump_recommendation(each)
            for item, each in state["recommended"].items()
            if item not in recommended
        }
        new |= {
            _JUDGED + keys[item]: asdict(each)
            for item, each in said.items()
            if item not in judged and each.verdict != "failed"
        }
        run.finish(new, state["decisions"])
        asked = {item: each.error for item, each in said.items() if item not in judged}
        return BatchResult(
            [(found[item.id], said.get(item.id)) for item in items], [asked.get(item.id) for item in items]
        )


def joined_scores(workspace: Core, number: int) -> FusedExpert | None:
    """Return the expert with the scores that a walk adds its probabilities to; None where it decides by itself.

    It does where a language model is the general expert, and with [walk] `expert` false.
    """
    walk, role = workspace.config.walk, workspace.config.models.general_expert
    if role.provider != ENCODER or not walk.expert:
        return None
    newest = max(Experts(workspace).numbers(), default=None)
    joined = workspace if number == newest and walk.expert is True else workspace.with_walk(expert=number)
    trained = joined.wiring.expert
    if trained is None:
        return None
    calibration = scores_of(joined).calibration or PRIOR
    return FusedExpert(trained.source.classifier, joined.wiring.retriever(), calibration)


def load_answers(
    keys: Mapping[ItemId, str], kept: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[ItemId, Recommendation], dict[ItemId, JudgedItem]]:
    """Return the stored recommendations and judgements of items."""
    recommended = {
        item: parse_recommendation(kept[_RECOMMENDED + key])
        for item, key in keys.items()
        if _RECOMMENDED + key in kept
    }
    judged = {
        item: parse_judgement(kept[_JUDGED + key]) for item, key in keys.items() if _JUDGED + key in kept
    }
    return recommended, judged


def dump_recommendation(recommendation: Recommendation) -> dict[str, Any]:
    """Return a recommendation as JSON values; unlike `asdict` without copying every number, which is slow."""
    return {
        "item_id": recommendation.item_id,
        "labels": recommendation.labels,
        "probabilities": recommendation.probabilities,
    }


def blank_result(item: Item) -> Categorized:
    """Return the result of an item without a text."""
    return Categorized(item.id, None, (), "blank", Recommendation(item.id, (), ()))


def is_scored(workspace: Core) -> bool:
    """Whether the general expert's model answers by the likelihood of the options' texts."""
    model = workspace.config.models.general_expert
    return model.answer == "scored" and model.provider != ENCODER


def category_template(workspace: Core) -> str:
    """Return the name of the template that the general expert reads."""
    return SCORED_TEMPLATE if is_scored(workspace) else TEMPLATES[workspace.config.categorize.ask]


def make_category_expert(wiring: Wiring) -> CategoryExpert:
    """Return the general expert on its configured model."""
    config = wiring.config
    model, how = config.models.general_expert, config.categorize
    if "max_tokens" not in model.model_fields_set:
        model = model.model_copy(update={"max_tokens": max(model.max_tokens, ROOM[how.ask])})
    settings = CategorySettings(task=config.task.description, shown=how.shown, ask=how.ask, seed=how.seed)
    scored = model.answer == "scored" and model.provider != ENCODER
    return CategoryExpert(wiring.answers(model), wiring.prompts, settings, scored=scored)


def prepare_categorization(
    workspace: Core,
    *,
    expert: int | None = None,
    everything: bool = False,
    **categorize: Unpack[CategorizeSettings],
) -> Categorization:
    """Prepare a categorization; `categorize` overrides settings of the `[categorize]` table, such as `ask="think"`.

    `expert` is the number of a trained expert, None for the newest. `everything` sends all items to the general
    expert, whatever the domain expert's confidence.
    """
    try:
        changed = CategorizeConfig.model_validate({**workspace.config.categorize.model_dump(), **categorize})
    except ValidationError as error:
        raise InputError(f"invalid [categorize] settings: {problems(error)}") from None
    return Categorization(workspace.with_table("categorize", changed), expert, everything=everything)


async def acategorize(
    workspace: Core,
    items: Iterable[Item],
    *,
    expert: int | None = None,
    everything: bool = False,
    **categorize: Unpack[CategorizeSettings],
) -> CategorizedItems:
    """Run `Categorization.results` and return all results."""
    made = prepare_categorization(workspace, expert=expert, everything=everything, **categorize)
    async with aclosing(made.results(items)) as results:
        return CategorizedItems([result async for _, (result, _said) in results])
