"""What the graphs ask of each agent: any object with these methods will do, ours or a person's own."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from taxonaut.agents.annotator import Assigned, Job
from taxonaut.agents.architect import Proposal
from taxonaut.agents.asking import Answer
from taxonaut.agents.category_expert import CategoryText, Judgement
from taxonaut.agents.change_reviewer import Case, Review
from taxonaut.agents.change_writer import WrittenChange
from taxonaut.agents.support.descriptor_changes import Uncovered
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
        """Answer for each item at each node it visits, in any order; `agents.asking.decided` makes an answer."""


class Ranks(Protocol):
    """Orders shortlists: `agents.general_expert.GeneralExpert`."""

    async def rank(
        self,
        shortlists: Sequence[tuple[Item, Sequence[LabelId]]],
        labels: Mapping[LabelId, Label],
        paths: Mapping[LabelId, Sequence[str]],
    ) -> Sequence[Answer[LabelId]]:
        """Answer for each item, in any order; an item without an answer gets no labels."""


class Retrieves(Protocol):
    """Compares all labels with a text: `agents.retriever.Retriever`."""

    async def search(self, texts: Sequence[str], k: int) -> list[list[tuple[LabelId, float]]]:
        """Return each text's k best labels with their scores, best first."""

    async def scores(self, shortlists: Sequence[tuple[Item, Sequence[LabelId]]]) -> list[list[float]]:
        """Return the scores of each item's labels, in their order."""


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
        """Decide for each item among its candidates, in order; `categories` cover every candidate."""


class Proposes(Protocol[Id]):
    """Names the centres that part labels or items: `agents.architect.Architect`."""

    @property
    def seed(self) -> int:
        """Where chance starts, for what is divided without it."""

    async def propose(self, partitions: Sequence[Partition[Id]], wanted: Sequence[int]) -> list[Proposal]:
        """Propose at most `wanted` centres for each partition, in order."""


class Assigns(Protocol):
    """Says which centres texts belong to: `agents.annotator.Annotator`."""

    @property
    def most(self) -> int:
        """To how many centres a text may belong."""

    @property
    def reads_prompts(self) -> bool:
        """Whether its centres stand in a prompt, which has room for so many only."""

    async def assign(self, jobs: Sequence[Job]) -> list[Assigned]:
        """Do all jobs; the answers come in the jobs' order."""


class WritesChanges(Protocol):
    """Says what to do about items that fit nothing: `agents.change_writer.ChangeWriter`."""

    async def write(self, clusters: Sequence[Uncovered]) -> list[WrittenChange]:
        """Write a proposal for each cluster, in order."""


class ReviewsChanges(Protocol):
    """Approves or rejects changes: `agents.change_reviewer.ChangeReviewer`."""

    async def review(self, cases: Sequence[Case]) -> list[Review]:
        """Review all cases, in order."""
