"""Protocols of the agents that graphs take as arguments."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from taxonaut.agents.annotator import AssignResult, Job
from taxonaut.agents.architect import CentreProposal
from taxonaut.agents.asking import Answer
from taxonaut.agents.category_expert import CategoryText, Judgement
from taxonaut.agents.change_reviewer import Case, Review
from taxonaut.agents.support.descriptor_changes import UncoveredCluster
from taxonaut.agents.writers.change_writer import WrittenChange
from taxonaut.state.graph_states.build_index import Partition
from taxonaut.state.ids import Id, LabelId, NodeId
from taxonaut.state.recommendations import Recommendation
from taxonaut.state.records import Decision, Item, Label
from taxonaut.tools.expand_node import Expansion


class Navigates(Protocol):
    """Decides which branches to open: `agents.navigator.Navigator`."""

    async def choose(
        self,
        visits: Sequence[tuple[Item, NodeId]],
        expansions: Mapping[NodeId, Expansion],
        paths: Mapping[NodeId, Sequence[str]],
        ancestors: bool | None = None,
    ) -> Sequence[Answer[NodeId]]:
        """Return answers for each visit, in any order; `taxonaut.custom_answer` builds one."""


class Ranks(Protocol):
    """Ranks shortlists: `agents.general_expert.GeneralExpert`."""

    async def rank(
        self,
        shortlists: Sequence[tuple[Item, Sequence[LabelId]]],
        labels: Mapping[LabelId, Label],
        paths: Mapping[LabelId, Sequence[str]],
    ) -> Sequence[Answer[LabelId]]:
        """Return an answer for each item, in any order; items without one get no labels."""


class Retrieves(Protocol):
    """Scores all labels against a text: `agents.retriever.Retriever`."""

    async def search(self, texts: Sequence[str], k: int) -> list[list[tuple[LabelId, float]]]:
        """Return each text's k best labels with scores, best first."""

    async def scores(self, shortlists: Sequence[tuple[Item, Sequence[LabelId]]]) -> list[list[float]]:
        """Return the scores of each item's labels, in order."""


class Recommends(Protocol):
    """Recommends categories with probabilities: `agents.domain_expert.DomainExpert`."""

    async def recommend(self, items: Sequence[Item]) -> list[tuple[Recommendation, Decision]]:
        """Recommend categories, in the items' order, each with its decision row."""


class Decides(Protocol):
    """Decides among recommended categories: `agents.category_expert.CategoryExpert`."""

    async def decide(
        self,
        asked: Sequence[tuple[Item, Sequence[LabelId]]],
        categories: Mapping[LabelId, CategoryText],
    ) -> list[Judgement]:
        """Judge each item's candidates, in order; `categories` hold every candidate."""


class Proposes(Protocol[Id]):
    """Names the centres that divide labels or items: `agents.architect.Architect`."""

    @property
    def seed(self) -> int:
        """Random seed, also used where the graph divides without the architect."""

    async def propose(
        self, partitions: Sequence[Partition[Id]], wanted: Sequence[int]
    ) -> list[CentreProposal]:
        """Propose at most `wanted` centres for each partition, in order."""


class Assigns(Protocol):
    """Assigns texts to centres: `agents.annotator.Annotator`."""

    @property
    def most(self) -> int:
        """Maximum number of centres for one text."""

    @property
    def reads_prompts(self) -> bool:
        """Whether the centres are listed in a prompt, which limits their number."""

    async def assign(self, jobs: Sequence[Job]) -> list[AssignResult]:
        """Run all jobs; return results in order."""


class WritesChanges(Protocol):
    """Proposes changes for uncovered items: `agents.writers.change_writer.ChangeWriter`."""

    async def write(self, clusters: Sequence[UncoveredCluster]) -> list[WrittenChange]:
        """Write a proposal for each cluster, in order."""


class ReviewsChanges(Protocol):
    """Approves or rejects changes: `agents.change_reviewer.ChangeReviewer`."""

    async def review(self, cases: Sequence[Case]) -> list[Review]:
        """Review all cases, in order."""
