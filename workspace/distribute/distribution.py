"""Distributions over a workspace's labels as a resumable run, and the fitting of methods to annotators' votes."""

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from taxonaut.agents.distributor import (
    LISTING,
    METHODS,
    Distributor,
    DistributorSettings,
    Listing,
    OfferedLabel,
    Shot,
    requests_per_item,
)
from taxonaut.agents.support.texts import tell_apart
from taxonaut.graphs.distribute import distribute
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.catalog import ENCODER
from taxonaut.models.distributions.label_probabilities import Numbers, entropy
from taxonaut.models.distributions.soft_logistic import SoftLogistic
from taxonaut.models.distributions.trained import (
    Calibrated,
    Featurizer,
    TrainedDistribution,
    train_distribution,
)
from taxonaut.models.settings import ModelSettings
from taxonaut.state import version
from taxonaut.state.distributions import LabelDistribution, LabelShare
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import Item, hash_text
from taxonaut.state.stores.decisions import Totals
from taxonaut.state.stores.runs import RunUnits
from taxonaut.state.updates import Progress, tell
from taxonaut.state.workspace_folder import DISTRIBUTIONS_FOLDER
from taxonaut.workspace.build.build_agents import model_identity
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import (
    EMPTY_TEXT,
    BatchResult,
    Resumable,
    Unit,
    request_errors,
    unit_key,
)
from taxonaut.workspace.core.run_graph import run_graph
from taxonaut.workspace.distribute.votes import VotedItems, read_voted
from taxonaut.workspace.files.item_files import ItemRow

if TYPE_CHECKING:
    from taxonaut.models.gguf.tool_call import GgufChat

KIND = "distribute"
STAGE = "distributing"
TRAINED, PROBE, SIMILARITY, COMPARE = "trained", "linear-probe", "similarity", "compare-to-none"
FITTED = (TRAINED, PROBE, SIMILARITY, COMPARE)
"""Methods that can be fitted to votes; compare-to-none is then Platt-scaled."""

ALL_METHODS = (*METHODS, TRAINED, PROBE, SIMILARITY)
MOST_LABELS = 500
MOST_REQUESTS = 21_000
"""Requests for one item; binary breakdown of 200 labels has 20,100."""

BATCH = 256
ASKED_AT_ONCE = 8
SHOTS = 10


@dataclass(frozen=True, slots=True)
class DistributionCard:
    """What a fitted method was fitted to, and how well it does on items that were held out of the fit."""

    method: str
    items: int
    labels: int
    penalty: float | None
    slope: float
    offset: float
    seconds: float
    notes: tuple[str, ...] = ()


class Distribution:
    """A resumable run of one method over one set of labels."""

    def __init__(
        self,
        workspace: Core,
        method: str,
        labels: Sequence[OfferedLabel],
        settings: DistributorSettings | None,
        shots: Sequence[Shot],
        fitted: TrainedDistribution | None,
    ) -> None:
        self.workspace = workspace
        self.method = method
        self.labels = tuple(labels)
        self.settings = settings
        self.fitted = fitted
        self.role = workspace.config.models.general_expert
        self.distributor: Distributor | None = None
        if settings is not None:
            model = workspace.wiring.answers(self.role)
            samplers = [
                workspace.wiring.answers(
                    self.role.model_copy(
                        update={
                            "seed": self.role.seed + number,
                            "temperature": max(self.role.temperature, 1.0),
                        }
                    )
                )
                for number in range(settings.samples)
            ]
            self.distributor = Distributor(model, workspace.prompts, labels, settings, shots, samplers)
            workspace.store_templates([self.distributor.prompt.name])
        self.shots = shots
        self.run = Resumable(workspace.runs, KIND, self.fingerprint_settings())
        self.unit: Unit[Item, LabelDistribution] = Unit(unit_key, load_distribution, dump_distribution)

    def fingerprint_settings(self) -> dict[str, Any]:
        """Return everything that the results depend on."""
        shown = [[label.id, label.name, label.description] for label in self.labels]
        found: dict[str, Any] = {
            "version": version.VERSION,
            "method": self.method,
            "labels": hash_text(str(shown)),
            "embeddings": model_identity(self.workspace.config.embeddings),
            "fitted": None if self.fitted is None else self.fitted.card,
        }
        if self.distributor is not None:
            found |= {
                "model": model_identity(self.role),
                "template": self.distributor.prompt.hash,
                "settings": asdict(self.distributor.settings),
                "shots": hash_text(str([asdict(shot) for shot in self.shots])),
            }
        return found

    @property
    def requests(self) -> int:
        """Requests to a language model for an item, at most."""
        if self.distributor is not None and self.method != PROBE:
            return self.distributor.requests_per_item()
        return int(self.method == PROBE)

    def totals(self) -> Totals:
        """Return the cost of all calls of this run."""
        run = self.run.known
        return Totals() if run is None else self.workspace.decisions.totals(run.id)

    def results(self, items: Iterable[Item]) -> AsyncGenerator[tuple[Item, LabelDistribution], None]:
        """Yield each item with its distribution, in order; finished ones are kept. Raises as `Resumable.results`."""
        size = ASKED_AT_ONCE if self.distributor is not None else BATCH
        return self.run.results(items, size, self.work, self.unit, stage=STAGE)

    async def work(self, run: RunUnits, items: Sequence[Item]) -> BatchResult[LabelDistribution]:
        """Process a batch of items without a stored result."""
        asked = [item for item in items if item.text.strip()]
        self.workspace.items.put(asked)
        found = {
            item.id: LabelDistribution(item.id, (), EMPTY_TEXT) for item in items if not item.text.strip()
        }
        decisions: list[Any] = []
        if asked and self.distributor is not None and self.method != PROBE:
            listings, decisions = await self.ask(asked)
            found |= {each.item.id: self.read(each) for each in listings}
        elif asked:
            assert self.fitted is not None
            rows = fitted_rows(self.workspace, self.method, self.labels, self.fitted.featurizer, asked, self)
            for item, values in zip(asked, self.fitted.predict(rows), strict=True):
                found[item.id] = LabelDistribution(item.id, self.shares(values))
        results = [found[item.id] for item in items]
        return BatchResult(results, request_errors(results), decisions)

    async def ask(self, items: Sequence[Item]) -> tuple[list[Listing], list[Any]]:
        """Ask the language model about items, with the graph."""
        assert self.distributor is not None
        traced = self.workspace.config.tracing.langsmith
        state = await run_graph(distribute(self.distributor).compile(), {"items": items}, traced=traced)
        return list(state["listings"].values()), state["decisions"]

    def read(self, listing: Listing) -> LabelDistribution:
        """Return what a finished listing says."""
        if listing.error or listing.values is None:
            return LabelDistribution(listing.item.id, (), listing.error or "no answer")
        values = listing.values
        if self.fitted is not None:
            values = self.fitted.predict(log_odds(listing)[None])[0]
        return LabelDistribution(
            listing.item.id,
            self.shares(values),
            steps=tuple(round(entropy(step), 4) for step in listing.steps),
            listed=tuple(self.labels[place].id for place in listing.written),
            lost=listing.lost,
        )

    def shares(self, values: Numbers) -> tuple[LabelShare, ...]:
        """Return probabilities with their intervals and whether each reaches its threshold."""
        if self.fitted is None:
            return tuple(
                LabelShare(label.id, label.name, round(float(value), 6), chosen=bool(value >= 0.5))
                for label, value in zip(self.labels, values, strict=True)
            )
        low, high = self.fitted.calibrated.intervals.of(values)
        thresholds = self.fitted.calibrated.thresholds
        return tuple(
            LabelShare(
                label.id,
                label.name,
                round(float(value), 6),
                round(float(low[place]), 4),
                round(float(high[place]), 4),
                bool(value >= thresholds[place]),
            )
            for place, (label, value) in enumerate(zip(self.labels, values, strict=True))
        )


def log_odds(listing: Listing) -> Numbers:
    """Return log P(label) - log P(none) at the first step of a list, (L,)."""
    first: Numbers = listing.steps[0]
    odds: Numbers = first[:-1] - first[-1]
    return odds


def dump_distribution(result: LabelDistribution) -> dict[str, Any]:
    """Return a distribution as JSON values."""
    return asdict(result)


def load_distribution(row: Any) -> LabelDistribution:
    """Return a stored distribution."""
    return LabelDistribution(
        ItemId(row["item_id"]),
        tuple(LabelShare(**each) for each in row["labels"]),
        row["error"],
        tuple(row["steps"]),
        tuple(map(LabelId, row["listed"])),
        row["lost"],
    )


def prepare_distribution(
    workspace: Core,
    method: str | None = None,
    *,
    model: str | None = None,
    node: NodeId | None = None,
    shots: Sequence[ItemRow] = (),
    seed: int = 0,
    samples: int = 0,
    in_order: bool = False,
    plain: bool = False,
) -> Distribution:
    """Prepare a run; see `Workspace.adistribute`.

    `samples`: answers that *unary* counts, for models without log-probabilities. `in_order`: labels are shown as they
    were imported, not shuffled. `plain`: compare-to-none without the Platt scaling that was fitted. Raises InputError
    for an unknown method, too many labels or requests, an encoder where a language model is needed, and a method
    that must be fitted first.
    """
    if model is not None:
        workspace = workspace.with_models({"general_expert": model})
    labels = offered_labels(workspace, node)
    method = method or default_method(workspace, labels)
    if method not in ALL_METHODS:
        raise InputError(f"there is no method {method!r}; there are: {', '.join(ALL_METHODS)}")
    fitted = (
        None if method in METHODS and (plain or method != COMPARE) else load_fitted(workspace, method, labels)
    )
    if method in FITTED and method != COMPARE and fitted is None:
        raise InputError(
            f"the method {method} is fitted to annotators' votes first: taxonaut distribute train FILE"
            f"{'' if method == TRAINED else f' --method {method}'}"
        )
    if method in (TRAINED, SIMILARITY):
        return Distribution(workspace, method, labels, None, (), fitted)
    settings = model_settings(workspace, method, len(labels), seed, samples, in_order=in_order)
    return Distribution(workspace, method, labels, settings, as_shots(workspace, labels, shots), fitted)


def model_settings(
    workspace: Core, method: str, labels: int, seed: int, samples: int, *, in_order: bool = False
) -> DistributorSettings:
    """Return how a language model is asked. Raises InputError for an encoder, and for too many requests."""
    role = workspace.config.models.general_expert
    if role.provider == ENCODER:
        raise InputError(
            f"{method} reads the log-probabilities of a language model, and {role.model!r} is an encoder; name one "
            "with --model, such as gguf/smollm2-135m-instruct, or use --method trained or similarity, which are "
            "fitted to votes"
        )
    if samples and method != "unary":
        raise InputError(f"--samples counts answers of the method unary, not of {method}; leave it out")
    injected = role.model in workspace.wiring.injected.models
    base: Any = method if method != PROBE else COMPARE
    settings = DistributorSettings(
        method=base,
        task=workspace.config.task.description,
        seed=None if in_order else seed,
        codes=not (role.in_process or injected) and method in (*LISTING, "binary"),
        samples=samples,
    )
    count = requests_per_item(settings, labels)
    if count > MOST_REQUESTS:
        raise InputError(
            f"{method} would ask {count:,} requests for each text with {labels:,} labels, more than "
            f"{MOST_REQUESTS:,}; use unary ({labels:,}), compare-to-none (1), or a part of the labels (--node)"
        )
    return settings


def offered_labels(workspace: Core, node: NodeId | None = None) -> list[OfferedLabel]:
    """Return the labels of a distribution in import order, those of one name told apart.

    Raises InputError for none or too many, NotFoundError for an unknown node.
    """
    workspace.check_has_labels()
    labels = workspace.index.all_labels()
    if node is not None:
        below = set(workspace.index.labels_under([node]).get(node, []))
        if not below:
            raise NotFoundError(f"there are no labels below a node {node}; taxonaut index show lists nodes")
        labels = [label for label in labels if label.id in below]
    if len(labels) > MOST_LABELS:
        raise InputError(
            f"a distribution is over at most {MOST_LABELS:,} labels, and there are {len(labels):,}; name a node whose"
            " labels are meant with --node (taxonaut index show)"
        )
    names = tell_apart({label.id: label.name for label in labels}, {label.id: label.id for label in labels})
    return [OfferedLabel(label.id, names[label.id], label.description) for label in labels]


def as_shots(workspace: Core, labels: Sequence[OfferedLabel], rows: Sequence[ItemRow]) -> list[Shot]:
    """Return items that prompts show with the labels at least half of the annotators gave.

    At most `SHOTS`, half of them with several labels where there are so many.
    """
    if not rows:
        return []
    voted = read_voted(workspace.index, [label.id for label in labels], rows, skip_unknown=True)
    pairs = list(zip(voted.items, voted.shares >= 0.5, strict=True))
    many = [pair for pair in pairs if pair[1].sum() > 1][: SHOTS // 2]
    few = [pair for pair in pairs if pair[1].sum() <= 1][: SHOTS - len(many)]
    mixed = sorted([*many, *few], key=lambda pair: hash_text(pair[0].id))
    return [
        Shot(item.text, tuple(labels[place].id for place in np.flatnonzero(given).tolist()))
        for item, given in mixed
    ]


def default_method(workspace: Core, labels: Sequence[OfferedLabel]) -> str:
    """Return the method if none is named: what was trained, else compare-to-none."""
    return TRAINED if load_fitted(workspace, TRAINED, labels) is not None else COMPARE


def load_fitted(workspace: Core, method: str, labels: Sequence[OfferedLabel]) -> TrainedDistribution | None:
    """Return a fitted method; None if it was not fitted. Raises InputError if it was to other labels."""
    folder = workspace.folder / DISTRIBUTIONS_FOLDER / method
    if not folder.is_dir():
        return None
    found = TrainedDistribution.load(folder)
    if list(found.labels) != [str(label.id) for label in labels]:
        raise InputError(
            f"the method {method} was fitted to {len(found.labels):,} labels, which are not the {len(labels):,} of "
            "today; fit it again: taxonaut distribute train FILE"
        )
    return found


def fitted_rows(
    workspace: Core,
    method: str,
    labels: Sequence[OfferedLabel],
    featurizer: Featurizer | None,
    items: Sequence[Item],
    asked: Distribution | None,
) -> Any:
    """Return what a fitted method reads of items: features, states of a language model, or similarities."""
    embed = workspace.wiring.stored.embed
    if method == TRAINED:
        assert featurizer is not None
        return featurizer.rows(items, embed)
    if method == SIMILARITY:
        names = workspace.wiring.stored.lookup([label.name for label in labels])
        return np.asarray(embed([item.text for item in items]) @ names.T, np.float64)
    assert asked is not None
    return probe_states(asked, items)


def probe_states(asked: Distribution, items: Sequence[Item]) -> Any:
    """Return a gguf/… model's last-layer state where it would write the first label, (n, width), unit variance."""
    from taxonaut.models.gguf.provider import open_chat

    role: ModelSettings = asked.role
    assert asked.distributor is not None
    if not role.in_process:
        raise InputError(
            f"a linear probe reads the last layer of a gguf/… model, which {role.model!r} does not show; name one "
            "with --model, such as gguf/smollm2-135m-instruct"
        )
    chat: GgufChat = open_chat(role.model.partition("/")[2], "generated", role.adapter)
    found = []
    for item in items:
        request = asked.distributor.next_requests(asked.distributor.start(item))[0].request
        found.append(chat.last_states([request])[0])
        tell(Progress("reading states", len(found), len(items)))
    return np.asarray(found, np.float64)


def train(
    workspace: Core,
    rows: Sequence[ItemRow],
    method: str = TRAINED,
    *,
    model: str | None = None,
    node: NodeId | None = None,
    shots: Sequence[ItemRow] = (),
    skip_unknown: bool = False,
    voted: VotedItems | None = None,
) -> DistributionCard:
    """Fit a method and save it; see `Workspace.train_distribution`."""
    if method not in FITTED:
        raise InputError(f"{method!r} is not fitted to votes; these methods are: {', '.join(FITTED)}")
    if model is not None:
        workspace = workspace.with_models({"general_expert": model})
    started = time.perf_counter()
    labels = offered_labels(workspace, node)
    ids = [label.id for label in labels]
    voted = voted or read_voted(workspace.index, ids, rows, skip_unknown=skip_unknown)
    kept = [place for place, item in enumerate(voted.items) if item.text.strip()]
    items, shares = [voted.items[place] for place in kept], voted.shares[kept]
    if len(items) < 2:
        raise InputError(f"{len(items)} items with votes are too few to fit {method}; give hundreds")
    made = {
        "method": method,
        "items": len(items),
        "fitted": hash_text("".join(item.id for item in items) + shares.tobytes().hex()),
    }
    fitted: TrainedDistribution
    if method == TRAINED:
        featurizer = Featurizer.fit(items)
        tell(Progress("embedding items", 0, len(items)))
        features = featurizer.rows(items, workspace.wiring.stored.embed)
        fitted = train_distribution(
            ids, features, shares, featurizer=featurizer, card=made, tick=counter("fitting")
        )
    elif method == PROBE:
        settings = model_settings(workspace, PROBE, len(labels), 0, 0)
        asked = Distribution(workspace, PROBE, labels, settings, as_shots(workspace, labels, shots), None)
        fitted = train_probe(ids, probe_states(asked, items), shares, made)
    else:
        scores, places = np.zeros((len(items), len(labels))), list(range(len(items)))
        if method == SIMILARITY:
            scores = fitted_rows(workspace, method, labels, None, items, None)
        else:
            settings = model_settings(workspace, COMPARE, len(labels), 0, 0)
            asked = Distribution(
                workspace, COMPARE, labels, settings, as_shots(workspace, labels, shots), None
            )
            listings, _ = PORTAL.run(asked.ask(items))
            by_id = {each.item.id: each for each in listings}
            places = [place for place, item in enumerate(items) if not by_id[item.id].error]
            if not places:
                raise InputError(f"no item got an answer: {listings[0].error}")
            scores = np.array([log_odds(by_id[items[place].id]) for place in places])
        same = SoftLogistic(np.eye(len(labels), dtype=np.float32), np.zeros(len(labels), np.float32))
        calibrated = Calibrated.fit(scores, shares[places])
        fitted = TrainedDistribution(tuple(ids), None, same, calibrated, made)
    fitted.save(workspace.folder / DISTRIBUTIONS_FOLDER / method)
    platt = fitted.calibrated.platt
    return DistributionCard(
        method,
        len(items),
        len(labels),
        fitted.card.get("penalty"),
        platt.slope,
        platt.offset,
        round(time.perf_counter() - started, 1),
        voted.notes,
    )


def train_probe(
    labels: Sequence[str], states: Numbers, shares: Numbers, card: dict[str, Any]
) -> TrainedDistribution:
    """Fit a linear probe on states; they are brought to mean 0 and a length of about 1, and back in the weights."""
    mean, scale = states.mean(axis=0), states.std(axis=0) * np.sqrt(states.shape[1]) + 1e-6
    fitted = train_distribution(
        labels,
        (states - mean) / scale * 4.0,
        shares,
        featurizer=None,
        penalties=(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
        card=card,
        tick=counter("fitting"),
    )
    weights = fitted.model.weights * (4.0 / scale)[:, None]
    offsets = fitted.model.offsets - mean @ weights
    return replace(fitted, model=SoftLogistic(weights.astype(np.float32), offsets.astype(np.float32)))


def counter(stage: str) -> Callable[[], None]:
    """Return what tells of one more step of a stage each time it is called."""
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        tell(Progress(stage, done))

    return tick
