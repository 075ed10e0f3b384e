"""The `Workspace` facade: a folder with index.duckdb, taxonaut.toml and prompts/, and all operations on it."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from taxonaut.agents.roles import Navigates, Ranks, Retrieves
from taxonaut.graphs.navigate import Guides
from taxonaut.graphs.policies import WalkPolicy
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.encoder.option_texts import compared_texts
from taxonaut.state import version
from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, ItemResult, Label, Tree, as_items
from taxonaut.state.stores.decisions import Totals
from taxonaut.state.updates import OnUpdate, listening
from taxonaut.workspace.build.add_labels import Growth, aadd_labels
from taxonaut.workspace.build.agents_tree import BuildReport
from taxonaut.workspace.build.build_agents import TEMPLATES
from taxonaut.workspace.build.builders import TreeSettings, builder
from taxonaut.workspace.core.config import CategorizeSettings, WalkSettings
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import Resumable
from taxonaut.workspace.expert.categorize import acategorize
from taxonaut.workspace.expert.experts import ExpertCard, Experts
from taxonaut.workspace.expert.training import train_expert
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.label_files import LabelFile
from taxonaut.workspace.files.native_tree import build_native_tree
from taxonaut.workspace.files.results import CategorizedItems, ItemResults
from taxonaut.workspace.vocabulary.assign import aassign_vocabulary
from taxonaut.workspace.vocabulary.build import VocabularyBuild, abuild_vocabulary
from taxonaut.workspace.walk.classification import (
    KIND,
    Classification,
    LabelBatch,
    label_with_graph,
    label_with_walk,
)
from taxonaut.workspace.walk.explanation import Explanation, explain
from taxonaut.workspace.walk.item_scores import CalibrationCard, calibrate, forget_calibration, scores_of
from taxonaut.workspace.walk.shortlists import ShortlistResult, shortlists
from taxonaut.workspace.walk.walk_graph import prepare_walk, walk_graph

if TYPE_CHECKING:
    from langgraph.graph import StateGraph


class Workspace(Core):
    """An open workspace. Close it, or use it in a `with` block.

    >>> with Workspace.open("my-workspace") as workspace:
    ...     workspace.classify(["wireless earbuds with noise cancelling"])
    """

    last_build: BuildReport | None = None
    """The report of this object's latest build by agents."""

    def import_labels(self, labels: LabelFile) -> None:
        """Import labels into an empty workspace, with the tree that their file describes, if any."""
        present = len(self.index.label_ids())
        if present:
            raise InputError(
                f"{str(self.folder)!r} already has {present:,} labels; add to them (taxonaut labels add FILE), "
                "or import into a new workspace (taxonaut init DIR)"
            )
        with self.database.write():
            self.index.add_labels(labels.labels)
            if labels.has_tree:
                self.index.load_tree(build_native_tree(labels.rows))
        self.wiring.languages.check_labels(list(self.wiring.label_texts().values()))

    async def aadd_labels(
        self,
        labels: Sequence[Label] | LabelFile,
        *,
        dry_run: bool = False,
        note: str = "",
        on_update: OnUpdate | None = None,
    ) -> Growth:
        """Add labels to the existing index, as one change with a note; a dry run writes nothing.

        Raises InputError for an index without labels or without a tree, and for ids that belong to another name
        there.
        """
        with listening(on_update):
            return await aadd_labels(self, labels, dry_run=dry_run, note=note)

    def add_labels(
        self,
        labels: Sequence[Label] | LabelFile,
        *,
        dry_run: bool = False,
        note: str = "",
        on_update: OnUpdate | None = None,
    ) -> Growth:
        """Do what `aadd_labels` does, from synchronous code."""
        return PORTAL.run(self.aadd_labels(labels, dry_run=dry_run, note=note, on_update=on_update))

    async def abuild_index(
        self,
        method: str = "kmeans",
        *,
        on_update: OnUpdate | None = None,
        **settings: Unpack[TreeSettings],
    ) -> Tree:
        """Build a tree over the labels and make it the index; `undo` restores the previous one.

        `method`: `kmeans` or `agents`; `settings` are the method's, such as `terminal_size=32`.
        """
        labels = self.index.all_labels()
        if not labels:
            raise InputError(
                f"{str(self.folder)!r} has no labels yet; import some: taxonaut labels import FILE"
            )
        self.store_templates(TEMPLATES if method == "agents" else ())
        build = builder(method, self.wiring, settings, self.runs)
        with listening(on_update):
            tree = await build.build(labels)
        with self.index.change(f"index build --method {method}"):
            self.index.load_tree(tree)
        self.last_build = getattr(build, "report", None)
        return tree

    def build_index(
        self,
        method: str = "kmeans",
        *,
        on_update: OnUpdate | None = None,
        **settings: Unpack[TreeSettings],
    ) -> Tree:
        """Do what `abuild_index` does, from synchronous code."""
        return PORTAL.run(self.abuild_index(method, on_update=on_update, **settings))

    async def abuild_vocabulary(
        self, texts: Iterable[str | Item], sample: int = 0, *, on_update: OnUpdate | None = None
    ) -> VocabularyBuild:
        """Build a vocabulary of descriptors from texts and make it the index; `undo` reverts it.

        `sample`: build it from a random sample of this size; 0: from all texts. Raises InputError for a workspace
        with labels and for no items with a text.
        """
        with listening(on_update):
            return await abuild_vocabulary(self, list(as_items(texts)), sample)

    def build_vocabulary(
        self, texts: Iterable[str | Item], sample: int = 0, *, on_update: OnUpdate | None = None
    ) -> VocabularyBuild:
        """Do what `abuild_vocabulary` does, from synchronous code."""
        return PORTAL.run(self.abuild_vocabulary(texts, sample, on_update=on_update))

    async def aassign_vocabulary(
        self, texts: Iterable[str | Item], *, every: bool | None = None, on_update: OnUpdate | None = None
    ) -> list[Tagging]:
        """Assign descriptors of the vocabulary to texts: the best one per level; with `every`, all that fit."""
        with listening(on_update):
            return await aassign_vocabulary(self, as_items(texts), every=every)

    def assign_vocabulary(
        self, texts: Iterable[str | Item], *, every: bool | None = None, on_update: OnUpdate | None = None
    ) -> list[Tagging]:
        """Do what `aassign_vocabulary` does, from synchronous code."""
        return PORTAL.run(self.aassign_vocabulary(texts, every=every, on_update=on_update))

    @property
    def experts(self) -> Experts:
        """The trained domain experts of this workspace."""
        return Experts(self)

    async def atrain_expert(
        self,
        rows: Sequence[ItemRow],
        *,
        dev_rows: Sequence[ItemRow] | None = None,
        skip_unknown: bool = False,
        on_update: OnUpdate | None = None,
    ) -> ExpertCard:
        """Train a domain expert on labelled products, store it and return its card.

        `dev_rows`: the dev set; without it some of `rows` are held out. `skip_unknown`: skip products of categories
        that are not in the index.
        """
        return await asyncio.to_thread(
            self.train_expert, rows, dev_rows=dev_rows, skip_unknown=skip_unknown, on_update=on_update
        )

    def train_expert(
        self,
        rows: Sequence[ItemRow],
        *,
        dev_rows: Sequence[ItemRow] | None = None,
        skip_unknown: bool = False,
        on_update: OnUpdate | None = None,
    ) -> ExpertCard:
        """Do what `atrain_expert` does, from synchronous code."""
        with listening(on_update):
            return train_expert(self, rows, dev_rows=dev_rows, skip_unknown=skip_unknown)

    def embed_labels(self, *, again: bool = False, on_update: OnUpdate | None = None) -> None:
        """Embed labels without a vector now, with progress; otherwise this happens when vectors are first needed.

        With `again` all are embedded, and then replace what is stored for the embedder: for a model that changed
        under its name (VectorsChangedError).
        """
        texts, stored = compared_texts(list(self.wiring.label_options().values())), self.wiring.stored
        if texts:
            embed = stored.renew if again else stored.lookup
            with listening(on_update):
                embed(texts, "embedding labels")
        if again:
            self.wiring.forget_vectors()

    def graph(
        self,
        policy: WalkPolicy | None = None,
        *,
        rank: bool = True,
        navigator: Navigates | None = None,
        expert: Ranks | None = None,
        retriever: Retrieves | None = None,
        guide: Guides | None = None,
    ) -> "StateGraph[Any, Any, Any, Any]":
        """Return the walk as an uncompiled LangGraph graph over this workspace's index and agents.

        Without `rank` it ends with the shortlists. Given agents replace the workspace's own (docs/program.md); a
        retriever is created only if the policy or an agent needs one.
        """
        return walk_graph(
            self, policy, rank=rank, navigator=navigator, expert=expert, retriever=retriever, guide=guide
        )

    def classification(self, **walk: Unpack[WalkSettings]) -> Classification:
        """Prepare a classification; `walk` overrides settings of the [walk] table, such as `top=5`."""
        if walk:
            return self.with_walk(**walk).classification()
        self.check_walkable()
        index = self.index.version()
        settings = {
            "index": index,
            "templates": self.store_templates(self.wiring.walk_templates),
            "version": version.VERSION,
            **self.config.answer_settings(),
        }
        run = Resumable(self.runs, KIND, settings, check=partial(self.check_version, index))
        return Classification(
            run,
            self.decisions,
            self.items,
            self.labelling(),
            self.batch,
            limits=self.text_limits,
            languages=self.wiring.languages,
            show=scores_of(self).show,
        )

    def labelling(self) -> LabelBatch:
        """Return what labels a batch: the walk, as a graph where LangSmith is to see its steps."""
        if self.config.tracing.langsmith:
            return label_with_graph(self.graph().compile(), traced=True)
        return label_with_walk(prepare_walk(self))

    async def acategorize(
        self,
        texts: Iterable[str | Item],
        *,
        expert: int | None = None,
        everything: bool = False,
        on_update: OnUpdate | None = None,
        **categorize: Unpack[CategorizeSettings],
    ) -> CategorizedItems:
        """Categorize texts with the trained expert; below a confidence threshold the general expert decides.

        `expert`: the number of a trained expert, None: the newest. `everything`: send all texts to the general
        expert. `categorize` overrides settings of the [categorize] table for this call, such as `threshold=0.8`.
        """
        with listening(on_update):
            return await acategorize(
                self, as_items(texts), expert=expert, everything=everything, **categorize
            )

    def categorize(
        self,
        texts: Iterable[str | Item],
        *,
        expert: int | None = None,
        everything: bool = False,
        on_update: OnUpdate | None = None,
        **categorize: Unpack[CategorizeSettings],
    ) -> CategorizedItems:
        """Do what `acategorize` does, from synchronous code."""
        return PORTAL.run(
            self.acategorize(texts, expert=expert, everything=everything, on_update=on_update, **categorize)
        )

    async def aclassify(
        self, texts: Iterable[str | Item], *, on_update: OnUpdate | None = None, **walk: Unpack[WalkSettings]
    ) -> ItemResults:
        """Classify texts; results are in their order, each label with its path.

        `walk` overrides settings of the [walk] table for this call, such as `top=5`. Finished items are stored: the
        same call again makes no request.
        """
        with listening(on_update):
            return ItemResults([result async for result in self.stream(texts, **walk)])

    async def stream(
        self, texts: Iterable[str | Item], *, on_update: OnUpdate | None = None, **walk: Unpack[WalkSettings]
    ) -> AsyncGenerator[ItemResult, None]:
        """Yield results as batches finish, for more texts than fit in memory."""
        with listening(on_update):
            classification = self.classification(**walk)
        async with aclosing(classification.results(as_items(texts))) as results:
            while True:
                # Set for each step alone: what a generator sets would last in its caller until the next one.
                with listening(on_update):
                    found = await anext(results, None)
                if found is None:
                    return
                yield found[1]

    def classify(
        self, texts: Iterable[str | Item], *, on_update: OnUpdate | None = None, **walk: Unpack[WalkSettings]
    ) -> ItemResults:
        """Do what `aclassify` does, from synchronous code, also where an event loop runs, as in a notebook."""
        return PORTAL.run(self.aclassify(texts, on_update=on_update, **walk))

    async def ashortlists(
        self, texts: Iterable[str | Item], *, on_update: OnUpdate | None = None, **walk: Unpack[WalkSettings]
    ) -> list[ShortlistResult]:
        """Return the shortlist of each text, without ranking it."""
        with listening(on_update):
            return await shortlists(self.with_walk(**walk), list(as_items(texts)))

    def shortlists(
        self, texts: Iterable[str | Item], *, on_update: OnUpdate | None = None, **walk: Unpack[WalkSettings]
    ) -> list[ShortlistResult]:
        """Do what `ashortlists` does, from synchronous code."""
        return PORTAL.run(self.ashortlists(texts, on_update=on_update, **walk))

    def explain(self, item_id: ItemId, gold: Sequence[LabelId] = ()) -> Explanation:
        """Explain the latest walk of an item as a tree, and where each `gold` label was found or lost."""
        return explain(self, item_id, gold)

    async def acalibrate(
        self, rows: Iterable[ItemRow] | None = None, *, on_update: OnUpdate | None = None
    ) -> CalibrationCard:
        """Fit probabilities to labelled items, by default those of earlier evaluations, and keep them.

        Later scores are by them. The items are classified, which repeats no finished one. Raises InputError for fewer
        than 20 of them, and where no encoder ranks.
        """
        with listening(on_update):
            return await calibrate(self, self.classification(), rows)

    def calibrate(
        self, rows: Iterable[ItemRow] | None = None, *, on_update: OnUpdate | None = None
    ) -> CalibrationCard:
        """Do what `acalibrate` does, from synchronous code."""
        return PORTAL.run(self.acalibrate(rows, on_update=on_update))

    def forget_calibration(self) -> bool:
        """Go back to the prior; return whether there was a calibration."""
        return forget_calibration(self)

    def cost(self) -> Totals:
        """Return the cost of the latest classification, over all its calls."""
        runs = self.runs.list(KIND)
        return self.decisions.totals(runs[0].id) if runs else Totals()
