"""Approximate labels generated, mapped to the label set, ranked again (ICXML, Zhu & Zamani 2023)."""

import random
from collections.abc import Sequence

from taxonaut.agents.icxml import LabelMapper, LabelWriter, PhraseWriter
from taxonaut.evaluation.methods.method import MethodSettings, Outcome
from taxonaut.evaluation.methods.method_run import Ranking, labelled
from taxonaut.models.catalog import ENCODER
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, Item
from taxonaut.workspace.core.core import ENCODER_CANDIDATES, MODEL_CANDIDATES
from taxonaut.workspace.workspace import Workspace

WRITTEN = 10
"""Approximate labels of one text."""

SHOWN = 20
"""Labels that show a language model what the set sounds like."""


async def icxml(workspace: Workspace, items: Sequence[Item], settings: MethodSettings) -> Outcome:
    """Let the general expert's model write labels, look up what they are near to, and rank what was found.

    `encoder/…` writes no prose: an item's phrases nearest to any label are its approximate labels. Zero-shot
    throughout; the paper's demonstrations, which a larger model writes first, are left out. `written` is the
    number of approximate labels.
    """
    steps = Icxml(workspace, settings)
    told = {"depth": settings.depth, "written": steps.writer.most, "seed": settings.seed}
    return await labelled(workspace, items, "icxml", told, steps.work)


class Icxml:
    """The three steps over their agents."""

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
        """Draw labels that show how the set is worded."""
        ids = self.index.label_ids()
        drawn = random.Random(seed).sample(ids, min(SHOWN, len(ids)))
        return [label.name for label in self.index.labels(drawn)]

    async def work(self, batch: Sequence[Item]) -> tuple[dict[ItemId, Ranking], list[Decision]]:
        """Write, map and rank for one batch."""
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
