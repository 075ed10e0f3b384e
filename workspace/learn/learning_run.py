"""Learn from labelled items in rounds, measure at the gate, and make a version of the best round (XMC-Agent 2.3)."""

import asyncio
import json
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Unpack

from pydantic import ValidationError

from taxonaut.graphs.learn import learn
from taxonaut.models.adapt.adapter import AdapterLearner
from taxonaut.models.adapt.finetuning import ENCODER, FinetuningLearner
from taxonaut.models.adapt.learner import LabelledText, Learner, TrainingMaterial
from taxonaut.models.adapt.neighbour_votes import ExemplarLearner
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.models.onnx.embedder import OnnxEmbedder
from taxonaut.models.score_sources import LearnedScores
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.learn import LearningRound, WalkMarks
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.core.config import LearningConfig, LearningSettings, problems
from taxonaut.workspace.core.core import Core, open_learned
from taxonaut.workspace.core.learned_versions import Adoption, LearnedCard, LearnedVersion, VersionStore
from taxonaut.workspace.core.resumable import fingerprint, unit_key
from taxonaut.workspace.core.run_graph import run_graph
from taxonaut.workspace.learn.encoder_learner import encoder_learner
from taxonaut.workspace.learn.feedback import Feedback, MarkedItem, read_feedback
from taxonaut.workspace.learn.gate import (
    AMONG_ALL,
    SEEN,
    UNSEEN,
    Comparison,
    MeasuredItem,
    Part,
    PartScores,
    add_sources,
    compare,
    fit_sources,
    score_parts,
)
from taxonaut.workspace.learn.split import Split, SplitSettings, share_of, split_items
from taxonaut.workspace.walk.classification import KIND, Classification

W = TypeVar("W", bound=Core)

Adopt = Literal["auto", "never"]

LEARNERS = (FinetuningLearner.name, AdapterLearner.name, ExemplarLearner.name)
"""The learners, in the order in which they learn."""

LEARN_KIND = "learn"
"""The kind of the runs that walk with what no version has yet."""

EMBEDDING = "embedding items"
GATED = "gated"
"""The folder of the gate's fit in that of a version: learned without what is held out, to be compared with later."""

ITEMS = "items.json"
"""The unit keys of the items that a version learned from."""

ROUND = "round.json"
FEWEST_ITEMS = 2
FEWEST_TO_TUNE = 40
"""Measured items of a part from which half of them choose the sources' weights and only the others are measured."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of learning: the version, its card, whether it passed the gate and is in use.

    `rounds` are in order; `version` is of the round `best`. `notes` say what was left out. `known`: an equal call had
    made this version before, and nothing was done.
    """

    version: int
    card: LearnedCard
    passed: bool
    adopted: bool
    rounds: Sequence[LearningRound] = ()
    best: int = 0
    notes: Sequence[str] = ()
    known: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """The items to learn from, how they are divided, and what was left out of the ledger."""

    items: Sequence[MarkedItem]
    split: Split
    notes: Sequence[str]
    data: Mapping[str, Any] = field(default_factory=dict)


class LearningRun(Generic[W]):
    """The steps of `graphs.learn` over a workspace. `classify` prepares a workspace's walks as a kind of runs."""

    def __init__(
        self,
        workspace: W,
        settings: LearningConfig,
        classify: Callable[[W, str], Classification],
        items: Sequence[Item] | None = None,
    ) -> None:
        self.workspace, self.settings, self.classify = workspace, settings, classify
        self.versions = VersionStore(workspace.folder)
        self.prepared = prepare(workspace, settings, items)
        self.walked: list[Item] = []
        self.marked: dict[str, MarkedItem] = {}
        self.examples: list[LabelledText] = []
        self.errors: dict[str, tuple[LabelId, ...]] = {}

    # What an equal call finds again.

    @cached_property
    def name(self) -> str:
        """A fingerprint of all that the result depends on."""
        in_use = self.workspace.wiring.learned
        settings = {
            **self.settings.model_dump(mode="json", exclude={"demonstrations"}),
            "index": self.workspace.index.version(),
            "embedder": self.workspace.wiring.frozen.embedder.name,
            "in_use": 0 if in_use is None else in_use.card.number,
        }
        said = [
            f"{item.item.text}\0{sorted(item.weights.items())}\0{sorted(item.wrong)}"
            for item in self.prepared.items
        ]
        return fingerprint(settings, said)

    @property
    def work(self) -> Path:
        """The folder of the finished rounds."""
        return self.versions.folder / f".rounds-{self.name[:16]}"

    def folder(self, number: int) -> Path:
        """The folder of what the learners of a round wrote."""
        return self.work / f"round-{number}"

    def kept(self, number: int) -> LearningRound | None:
        """Return a round that an earlier call finished."""
        path = self.folder(number) / ROUND
        if not path.is_file():
            return None
        row = json.loads(path.read_text(encoding="utf-8"))
        sources = {name: (each[0], each[1]) for name, each in row["sources"].items()}
        return LearningRound(**{**row, "marks": WalkMarks(**row["marks"]), "sources": sources})

    def version_of(self) -> int:
        """Return the version that an equal call made, 0 if there is none."""
        for number in self.versions.numbers():
            if self.versions.card(number).settings.get("fingerprint") == self.name:
                return number
        return 0

    # The steps.

    async def walk(self, number: int) -> None:
        """Walk a sample of the items to learn from."""
        learned = [item.item for item, _, _ in self.prepared.split.learned()]
        sample = sorted(learned, key=lambda item: share_of("walk", item.text, self.settings.seed))
        self.walked = sample[: self.settings.walked]
        if self.kept(number) is not None or not self.walked:
            return
        async with aclosing(self.walks(number).stored_results(self.walked)) as results:
            async for _ in results:
                pass

    def walks(self, number: int) -> Classification:
        """Prepare a round's walks: with what is in use, or with what the round before learned."""
        if number == 1:
            return self.classify(self.workspace, KIND)
        wiring = self.workspace.wiring.with_learned(self.candidate(number - 1, self.kept(number - 1)))
        return self.classify(replace(self.workspace, wiring=wiring), LEARN_KIND)

    async def mark(self, number: int) -> WalkMarks:
        """Mark the walks; keep what they answered wrongly for the next rounds, too."""
        if (kept := self.kept(number)) is not None and number >= self.settings.rounds:
            return kept.marks
        run = self.walks(number).run.known
        if run is None or not self.walked:
            return WalkMarks()
        feedback = read_feedback(self.workspace, items=self.walked, run=run)
        marked = [item for item in feedback.items if item.run is not None]
        self.marked = {item.item.text.strip(): item for item in marked}
        for text, item in self.marked.items():
            self.errors[text] = tuple(dict.fromkeys([*self.errors.get(text, ()), *item.errors]))
        return WalkMarks(
            len(marked),
            sum(len(item.hits) for item in marked),
            sum(len(item.errors) for item in marked),
            sum(len(item.missed) for item in marked),
        )

    async def collect(self, number: int) -> int:
        """Make examples: texts with right labels, and as hard negatives what walks answered and people refused."""
        self.examples = self.examples_of(self.prepared.split.learned(), self.prepared.split.unseen)
        return len(self.examples)

    def examples_of(
        self, learned: Iterable[tuple[MarkedItem, tuple[LabelId, ...], float]], without: frozenset[LabelId]
    ) -> list[LabelledText]:
        """Return items as learners take them, without some labels."""
        found = []
        for item, right, weight in learned:
            text = item.item.text
            walked = self.marked.get(text.strip())
            wrong = dict.fromkeys([*self.errors.get(text.strip(), ()), *item.wrong])
            found.append(
                LabelledText(
                    item.item.id,
                    text,
                    right,
                    tuple(label for label in wrong if label not in without and label not in item.right),
                    () if walked is None else tuple(each for each in walked.missed if each in right),
                    weight,
                )
            )
        return found

    async def adapt(self, number: int) -> Mapping[str, Any]:
        """Let each learner learn from the examples of the round."""
        if (kept := self.kept(number)) is not None:
            return kept.learners
        return await asyncio.to_thread(self.learn_into, self.folder(number), self.examples)

    def learn_into(self, folder: Path, examples: Sequence[LabelledText]) -> Mapping[str, Any]:
        """Let the learners write to a folder, which is made anew; return what each says of itself."""
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(parents=True)
            return self.run_learners(folder, examples)
        except OSError as error:
            raise self.versions.disk_error(error) from None

    def run_learners(self, folder: Path, examples: Sequence[LabelledText]) -> dict[str, Any]:
        """Let the learners write to a folder that is there."""
        material = self.material(examples)
        found: dict[str, Any] = {}
        for name in self.settings.learners:
            found[name] = dict(self.learner(name, folder).learn(material, folder))
        return found

    def learner(self, name: str, folder: Path) -> Learner:
        """Return a learner by its name; `folder` has what the learners before it wrote."""
        if name == FinetuningLearner.name:
            return encoder_learner(self.workspace)
        if name == AdapterLearner.name:
            vectors = self.vectors(folder)
            return AdapterLearner(vectors.embedder.name, vectors.lookup)
        if name == ExemplarLearner.name:
            return ExemplarLearner()
        raise InputError(f"there is no learner {name!r}; there are {', '.join(LEARNERS)}")

    def vectors(self, folder: Path) -> StoredEmbedder:
        """Return the vectors that an adapter is learned on: of the encoder that was fine-tuned before it, if any."""
        if (folder / ENCODER).is_dir():
            return StoredEmbedder(OnnxEmbedder(folder / ENCODER), self.workspace.wiring.embeddings)
        return self.workspace.wiring.frozen

    def material(self, examples: Sequence[LabelledText]) -> TrainingMaterial:
        """Return what learners learn from: labels without an example, and without an error, do not compete."""
        known = {label for each in examples for label in (*each.right, *each.wrong)}
        options = {
            label: text for label, text in self.workspace.wiring.label_options().items() if label in known
        }
        tree = self.workspace.index.snapshot()
        siblings = {
            label: [
                other
                for node in tree.nodes_of.get(label, ())
                for other in tree.labels_at[node]
                if other != label and other in options
            ]
            for label in options
        }
        return TrainingMaterial(examples, options, siblings, self.settings.seed)

    async def gate(self, number: int, marks: WalkMarks, learners: Mapping[str, Any]) -> LearningRound:
        """Choose the sources' weights, and measure a round on what it was not learned from."""
        if (kept := self.kept(number)) is not None:
            return kept
        done = await asyncio.to_thread(self.measure, number, marks, learners)
        path = self.folder(number) / ROUND
        try:
            path.write_text(json.dumps(asdict(done), ensure_ascii=False), encoding="utf-8", errors="replace")
        except OSError as error:
            raise self.versions.disk_error(error) from None
        return done

    def measure(self, number: int, marks: WalkMarks, learners: Mapping[str, Any]) -> LearningRound:
        """Measure a round's candidate against what is in use."""
        tuned, measured = self.parts
        wiring = self.workspace.wiring.with_learned(self.candidate(number, None, learners))
        plain = score_parts(wiring, [*tuned, *measured])
        every = dict.fromkeys(learners, (1.0, 1.0))
        unit = self.workspace.wiring.with_learned(self.candidate(number, None, learners, every))
        learned = own_sources(unit.learned_scores, learners)
        shares = fit_sources(plain[: len(tuned)], learned)
        sources = {name: share[:2] for name, share in shares.items()}
        unknown = {name: share[2] for name, share in shares.items()}
        after = [add_sources(each, learned, shares) for each in plain[len(tuned) :]]
        comparisons = self.compare(self.before, after)
        return LearningRound(
            number,
            marks,
            learners,
            sources,
            unknown,
            {each.part: each.row() for each in comparisons},
            gain=sum(each.gain for each in comparisons) / max(1, len(comparisons)),
            passed=passes(comparisons),
        )

    def compare(self, before: Sequence[PartScores], after: Sequence[PartScores]) -> list[Comparison]:
        """Compare parts before and after."""
        node_of = name_nodes(self.workspace)
        return [
            compare(was.part, was.rank(), now.rank(), node_of)
            for was, now in zip(before, after, strict=True)
            if was.part.items
        ]

    @cached_property
    def before(self) -> list[PartScores]:
        """The scores of the measured parts by what is in use, fitted without what is held out."""
        return score_parts(self.workspace.wiring.with_learned(self.compared_with), self.parts[1])

    @cached_property
    def compared_with(self) -> LearnedVersion | None:
        """What rounds are compared with: the gate's fit of the version in use, if it kept the same things apart."""
        in_use = self.workspace.wiring.learned
        if in_use is None or not (in_use.folder / GATED).is_dir():
            return None
        own, hidden = in_use.card.settings, bool(self.prepared.split.unseen)
        same = all(own.get(name) == getattr(self.settings, name) for name in ("holdout", "unseen", "seed"))
        same = same and bool(in_use.card.data.get("labels_unseen")) == hidden
        return replace(in_use, folder=in_use.folder / GATED) if same else None

    @cached_property
    def parts(self) -> tuple[list[Part], list[Part]]:
        """The parts on which weights are chosen, and those that are measured."""
        split, most = self.prepared.split, self.settings.measured
        unseen, every = split.unseen, split.items

        def pick(places: Sequence[int]) -> list[int]:
            order = sorted(
                places, key=lambda at: share_of("measure", every[at].item.text, self.settings.seed)
            )
            return order[:most]

        def items(places: Sequence[int], is_seen: bool) -> list[MeasuredItem]:
            found = []
            for at in places:
                right = tuple(label for label in every[at].right if (label not in unseen) == is_seen)
                others = tuple(label for label in every[at].right if label not in right)
                found.append(MeasuredItem(every[at].item.id, every[at].item.text, right, others))
            return found

        tuned, measured = [], []
        for places, is_seen in (
            (pick(split.measured_seen()), True),
            (pick(split.measured_unseen()), False),
        ):
            large = len(places) >= FEWEST_TO_TUNE
            one, other = (places[::2], places[1::2]) if large else (places, places)
            tuned.append(Part(SEEN if is_seen else AMONG_ALL, items(one, is_seen)))
            measured.append(Part(SEEN if is_seen else AMONG_ALL, items(other, is_seen)))
            if not is_seen:
                measured.insert(1, Part(UNSEEN, items(other, is_seen), unseen))
        return tuned, measured

    def candidate(
        self,
        number: int,
        done: LearningRound | None,
        learners: Mapping[str, Any] | None = None,
        sources: Mapping[str, tuple[float, float]] | None = None,
        unknown: Mapping[str, float] | None = None,
    ) -> LearnedVersion:
        """Return what a round learned as a version without a number."""
        card = LearnedCard(
            self.workspace.wiring.frozen.embedder.name,
            (learners or {}) if done is None else done.learners,
            (sources or {}) if done is None else done.sources,
            unknown=(unknown or {}) if done is None else done.unknown,
        )
        return LearnedVersion(card, self.folder(number))

    async def propose(self, finished: list[LearningRound]) -> int:
        """Learn from everything, with the settings of the best round, and save it as a version."""
        best = max(finished, key=lambda each: (each.passed, each.gain, -each.number))
        return (await asyncio.to_thread(self.save, finished, best)).number

    def save(self, finished: Sequence[LearningRound], best: LearningRound) -> LearnedCard:
        """Save a version of a round."""
        split, wiring = self.prepared.split, self.workspace.wiring
        examples = self.examples_of(split.everything(), frozenset())
        in_use = wiring.learned
        card = LearnedCard(
            wiring.frozen.embedder.name,
            best.learners,
            best.sources,
            {**self.prepared.data, "notes": list(self.prepared.notes)},
            {
                **self.settings.model_dump(mode="json", exclude={"demonstrations"}),
                "fingerprint": self.name,
                "round": best.number,
            },
            {
                "compared_with": self.compared_number,
                "passed": best.passed,
                "gain": round(best.gain, 5),
                "parts": best.measures,
                "rounds": [
                    asdict(replace(each, measures=without_answers(each.measures))) for each in finished
                ],
            },
            best.unknown,
            parent=0 if in_use is None else in_use.card.number,
        )

        def write(folder: Path) -> None:
            self.run_learners(folder, examples)
            shutil.copytree(self.folder(best.number), folder / GATED)
            units = [unit_key(item.item) for item, _, _ in split.everything()]
            (folder / ITEMS).write_text(json.dumps(units), encoding="utf-8")

        saved = self.versions.save(card, write)
        shutil.rmtree(self.work, ignore_errors=True)
        return saved

    @property
    def compared_number(self) -> int:
        """The version that rounds are compared with, 0 for none."""
        return 0 if self.compared_with is None else self.compared_with.card.number


def learning_settings(config: LearningConfig, **given: Unpack[LearningSettings]) -> LearningConfig:
    """Return the [learning] settings with some replaced. Raises InputError for invalid ones."""
    try:
        found = LearningConfig.model_validate({**config.model_dump(), **given})
    except ValidationError as error:
        raise InputError(f"invalid [learning] settings: {problems(error)}") from None
    unknown = [name for name in found.learners if name not in LEARNERS]
    if unknown:
        raise InputError(f"there is no learner {unknown[0]!r}; there are {', '.join(LEARNERS)}")
    return found.model_copy(update={"learners": tuple(name for name in LEARNERS if name in found.learners)})


def passes(comparisons: Sequence[Comparison]) -> bool:
    """Say whether nothing fell by more than its interval, and the measures did not fall on the whole."""
    measured = [each for each in comparisons if each.items]
    return (
        bool(measured)
        and not any(each.falls for each in measured)
        and sum(each.gain for each in measured) >= 0
    )


def own_sources(learned: LearnedScores | None, names: Collection[str]) -> LearnedScores | None:
    """Return only those sources that were learned here."""
    if learned is None:
        return None
    return LearnedScores([each for each in learned.sources if each.source.name in names], learned.below)


def without_answers(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the measures of parts without their changed answers and nodes."""
    return {
        part: {name: value for name, value in row.items() if name not in ("changed", "nodes")}
        for part, row in measures.items()
    }


def name_nodes(workspace: Core) -> Callable[[LabelId], str]:
    """Return a function that names the branch of a label: the deepest level with few enough branches to be read."""
    tree = workspace.index.snapshot()
    paths = {label: tree.path(nodes[0]) for label, nodes in tree.nodes_of.items() if nodes}
    depth, most = 1, 40
    for level in range(1, max(map(len, paths.values()), default=1) + 1):
        if len({path[:level] for path in paths.values()}) > most:
            break
        depth = level
    return lambda label: " > ".join(paths.get(label, ())[:depth])


def prepare(workspace: Core, settings: LearningConfig, items: Sequence[Item] | None) -> Prepared:
    """Read what there is to learn from: of some items, or all of the ledger but what was only evaluated.

    Raises InputError for too little.
    """
    feedback = read_feedback(workspace, items=items, evaluated=items is not None)
    known = [
        replace(item, right=tuple(filter(workspace.index.has_label, item.right))) for item in feedback.items
    ]
    usable = [item for item in known if item.right and item.item.text.strip()]
    labels = {label for item in usable for label in item.right}
    if len(usable) < FEWEST_ITEMS:
        raise InputError(
            f"{len(usable)} labelled item{'s are' if len(usable) != 1 else ' is'} too few to learn from and to "
            "measure by; give more: taxonaut learn ITEMS, or correct answers: taxonaut feedback add"
            + (
                f" ({feedback.only_evaluated:,} more were only evaluated, and are kept for measuring)"
                if feedback.only_evaluated
                else ""
            )
        )
    if len(labels) < 2:
        raise InputError(
            f"all {len(usable):,} labelled items have the label {next(iter(labels))!r}: that cannot tell "
            "labels apart; give items of other labels, too"
        )
    texts = [item.item.text for item in usable]
    vectors = workspace.wiring.frozen.lookup(texts, EMBEDDING)
    split = split_items(usable, vectors, SplitSettings(settings.holdout, settings.unseen, settings.seed))
    notes = list(describe_left_out(feedback, known, usable, split, settings))
    data = {
        "items": len(usable),
        "labels": len(labels),
        "groups": len(split.sizes),
        "items_learned_at_the_gate": len(split.learned()),
        "items_held_out": len(split.held_out),
        "labels_unseen": len(split.unseen),
        "contradicting": len(feedback.conflicts),
        "repeated": feedback.repeated,
    }
    return Prepared(usable, split, notes, data)


def describe_left_out(
    feedback: Feedback,
    known: Sequence[MarkedItem],
    usable: Sequence[MarkedItem],
    split: Split,
    settings: LearningConfig,
) -> Iterable[str]:
    """Say what was left out, and what cannot be measured."""
    if feedback.conflicts:
        count = len({each.item for each in feedback.conflicts})
        yield (
            f"{count:,} item{'s' if count != 1 else ''} with contradicting labels: those labels are left out "
            "(taxonaut feedback conflicts)"
        )
    if feedback.repeated:
        yield f"{feedback.repeated:,} items repeat the text of another: a text counts once"
    if feedback.without_text:
        yield f"{feedback.without_text:,} items were left out: their text is not stored, or has changed"
    if without := len(known) - len(usable):
        yield f"{without:,} items have no right label of the index: they are not learned from"
    if feedback.only_evaluated:
        yield (
            f"{feedback.only_evaluated:,} items were only evaluated, and are kept for measuring; to learn from them: "
            "taxonaut feedback add FILE"
        )
    near = len(usable) - len(split.sizes)
    if near:
        yield f"{near:,} texts are nearly equal to another: such texts count as one together"
    if settings.unseen and not split.unseen:
        yield "too few labels to keep some unseen: that labels without items are not harmed is not measured"
    if settings.holdout and not split.measured_seen():
        yield "too few items to hold some out: nothing could be measured on labels that were learned"


async def run_learning(
    workspace: W,
    settings: LearningConfig,
    classify: Callable[[W, str], Classification],
    items: Sequence[Item] | None = None,
    adopt: Adopt = "never",
) -> Learned:
    """Learn, and adopt what passed the gate if `adopt` says so; see `Workspace.alearn`."""
    workspace.check_walkable()
    run = await asyncio.to_thread(LearningRun, workspace, settings, classify, items)
    known = run.version_of()
    rounds: Sequence[LearningRound] = ()
    if known:
        number = known
    else:
        state = await run_graph(
            learn(run).compile(), {"rounds": settings.rounds}, traced=workspace.config.tracing.langsmith
        )
        number, rounds = state["version"], state["finished"]
    card = run.versions.card(number)
    passed = bool(card.measures["passed"])
    in_use = run.versions.in_use()
    adopted = in_use is not None and in_use.number == number
    if adopt == "auto" and passed and not adopted:
        adopt_version(workspace, number, "passed the gate")
        adopted = True
    return Learned(
        number, card, passed, adopted, rounds, int(card.settings["round"]), run.prepared.notes, bool(known)
    )


def adopt_version(workspace: Core, number: int, reason: str) -> Adoption:
    """Use a version from now on, 0 for none."""
    done = VersionStore(workspace.folder).use(number, reason)
    workspace.wiring.use_learned(open_learned(workspace.folder))
    return done
