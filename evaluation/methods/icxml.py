"""The method `icxml`: generate labels, map them to the label set, rerank (ICXML, Zhu & Zamani 2023)."""

import random
from collections.abc import Sequence

from taxonaut.agents.icxml import LabelMapper, LabelWriter, PhraseWriter
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import Ranking, run_method
from taxonaut.models.catalog import ENCODER
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, Item
from taxonaut.workspace.core.core import ENCODER_CANDIDATES, MODEL_CANDIDATES
from taxonaut.workspace.workspace import Workspace

WRITTEN = 10
"""Default number of generated labels per text."""

SHOWN = 20
"""Sample labels shown to a language model."""


async def icxml(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Generate labels with the general expert's model, find the nearest real labels, and rerank these.

    With `encoder/…`, an item's phrases nearest to any label replace generated labels. Zero-shot: the paper's
    demonstrations, written by a larger model, are left out. Option: `written`, the number of generated labels.
    """
    steps = Icxml(workspace, settings)
    used = {"depth": settings.depth, "written": steps.writer.most, "seed": settings.seed}
    return await run_method(workspace, items, "icxml", used, steps.work)


class Icxml:
    """The three steps of ICXML and their agents."""

    def __init__(self, workspace: Workspace, settings: MethodSettings) -> None:
        wiring, role = workspace.wiring, workspace.config.models.general_expert
        most = settings.own_number("written", WRITTEN)
        self.index = workspace.index
        self.writer: LabelWriter | PhraseWriter
        if role.provider == ENCODER:
            self.writer = PhraseWriter(wiring.scorer, wiring.retriever().load, most)
            self.candidates = max(settings.depth, ENCODER_CANDIDATES)
        else:
            model = wiring.answers(role.model_copy(update={"answer": "generated", "join": None}))
            task = workspace.config.task.description
            like = self.sample(settings.seed)
            self.writer = LabelWriter(model, workspace.prompts, task, like, most)
            self.candidates = max(settings.depth, MODEL_CANDIDATES)
        self.mapper = LabelMapper(wiring.scorer, wiring.retriever().load)
        self.expert = workspace.with_walk(top=settings.depth).wiring.general_expert()

    def sample(self, seed: int) -> list[str]:
        """Return the names of a random sample of labels."""
        ids = self.index.label_ids()
        drawn = random.Random(seed).sample(ids, min(SHOWN, len(ids)))
        return [label.name for label in self.index.labels(drawn)]

    async def work(self, batch: Sequence[Item]) -> tuple[dict[ItemId, Ranking], list[Decision]]:
        """Generate, map and rerank for one batch."""
        written = await self.writer.write(batch)
        found = await self.mapper.shortlists([each.labels for each in written], self.candidates)
        wanted = list(dict.fromkeys(label for labels in found for label in labels))
        labels = {label.id: label for label in self.index.labels(wanted)}
        paths = {label: ways[0] for label, ways in self.index.paths_of(wanted).items() if ways}
        answers = await self.expert.rank(list(zip(batch, found, strict=True)), labels, paths)
        decisions = [each.decision for each in written] + [answer.decision for answer in answers]
        ranked: dict[ItemId, Ranking] = {
            answer.item.id: list(zip(answer.chosen, answer.scores, strict=True)) for answer in answers
        }
        return ranked, decisions
