"""Learn from labelled items in rounds, measure at the gate, and make a version of the best round (XMC-Agent 2.3)."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
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
from taxonaut.workspace.learn.feedback import MarkedItem, read_feedback
from taxonaut.workspace.learn.learning_items import prepare
from taxonaut.workspace.learn.round_gate import GATED, RoundGate
from taxonaut.workspace.learn.split import share_of
from taxonaut.workspace.walk.classification import KIND, Classification

W = TypeVar("W", bound=Core)

Adopt = Literal["auto", "never"]

LEARNERS = (FinetuningLearner.name, AdapterLearner.name, ExemplarLearner.name)
"""The learners, in the order in which they learn."""

LEARN_KIND = "learn"
"""The kind of the runs that walk with what no version has yet."""

ITEMS = "items.json"
"""The unit keys of the items that a version learned from."""

ROUND = "round.json"


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
        self.gates = RoundGate(workspace, settings, self.prepared.split)
        self.prepared_walks: dict[int, Classification] = {}
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
        if number not in self.prepared_walks:
            self.prepared_walks = {number: self.prepare_walks(number)}
        return self.prepared_walks[number]

    def prepare_walks(self, number: int) -> Classification:
        """Prepare a round's walks anew."""
        former = self.kept(number - 1)
        if former is None:
            return self.classify(self.workspace, KIND)
        learned = self.candidate(former.number, former.learners)
        learned = replace(learned, card=replace(learned.card, sources=former.sources, unknown=former.unknown))
        wiring = self.workspace.wiring.with_learned(learned)
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
        measured = await asyncio.to_thread(self.gates.measure, self.candidate(number, learners))
        done = LearningRound(
            number,
            marks,
            learners,
            {name: share[:2] for name, share in measured.shares.items()},
            {name: share[2] for name, share in measured.shares.items()},
            {each.part: each.row() for each in measured.comparisons},
            gain=measured.gain,
            passed=measured.passed,
        )
        path = self.folder(number) / ROUND
        try:
            path.write_text(json.dumps(asdict(done), ensure_ascii=False), encoding="utf-8", errors="replace")
        except OSError as error:
            raise self.versions.disk_error(error) from None
        return done

    def candidate(self, number: int, learners: Mapping[str, Any]) -> LearnedVersion:
        """Return what a round learned as a version without a number, nothing of it weighed yet."""
        card = LearnedCard(self.workspace.wiring.frozen.embedder.name, learners)
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
                "compared_with": self.gates.compared_number,
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


def without_answers(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the measures of parts without their changed answers and nodes."""
    return {
        part: {name: value for name, value in row.items() if name not in ("changed", "nodes")}
        for part, row in measures.items()
    }


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
