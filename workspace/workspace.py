"""The `Workspace` facade: a folder with index.duckdb, taxonaut.toml and prompts/, and all operations on it."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from taxonaut.agents.roles import Navigates, Ranks, Retrieves
from taxonaut.agents.support.texts import path_text
from taxonaut.graphs.navigate import Guides
from taxonaut.graphs.policies import WalkPolicy
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.encoder.option_texts import compared_texts
from taxonaut.models.expert.fusion import TrainedScores
from taxonaut.state import version
from taxonaut.state.descriptors import Tagging
from taxonaut.state.distributions import LabelDistribution
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Item, ItemResult, Label, Tree
from taxonaut.state.stores.decisions import Totals
from taxonaut.state.stores.ledger import Source
from taxonaut.state.stores.transcripts import RecordedDecision
from taxonaut.state.updates import OnUpdate, listening
from taxonaut.workspace.build.add_labels import Growth, aadd_labels
from taxonaut.workspace.build.agents_tree import BuildReport
from taxonaut.workspace.build.build_agents import TEMPLATES
from taxonaut.workspace.build.builders import TreeSettings, builder
from taxonaut.workspace.core.config import CategorizeSettings, LearningSettings, WalkSettings
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import Resumable
from taxonaut.workspace.distribute.distribution import DistributionCard, prepare_distribution, train
from taxonaut.workspace.expert.categorize import acategorize
from taxonaut.workspace.expert.experts import ExpertCard, Experts
from taxonaut.workspace.expert.trained_scores import open_trained_scores
from taxonaut.workspace.expert.training import train_expert
from taxonaut.workspace.files.given_items import Texts, given_items
from taxonaut.workspace.files.index_formats.label_history import load_history
from taxonaut.workspace.files.index_formats.label_languages import shown_names
from taxonaut.workspace.files.index_formats.rdf_imports import keep_rdf, retire_deprecated
from taxonaut.workspace.files.item_files import ItemColumns, ItemRow
from taxonaut.workspace.files.label_files import LabelFile
from taxonaut.workspace.files.native_tree import build_native_tree
from taxonaut.workspace.files.results import CategorizedItems, ItemResults
from taxonaut.workspace.labels import label_changes
from taxonaut.workspace.labels.label_changes import LabelChange
from taxonaut.workspace.labels.label_match import LabelMatch, match_sets
from taxonaut.workspace.labels.label_sets import set_from_file, set_from_index
from taxonaut.workspace.labels.label_update import (
    AcceptRule,
    LabelUpdate,
    UpdateReport,
    apply_update,
    check_not_partial,
    prepare_update,
)
from taxonaut.workspace.labels.set_comparison import Change
from taxonaut.workspace.learn.corrections import Correction, correct, take_back
from taxonaut.workspace.learn.feedback import Feedback, read_feedback
from taxonaut.workspace.learn.learned_history import LearnedHistory
from taxonaut.workspace.learn.learning_run import Adopt, Learned, learning_settings, run_learning
from taxonaut.workspace.review.label_errors import ErrorReport, find_label_errors
from taxonaut.workspace.review.label_next import NextReport, find_next_items
from taxonaut.workspace.review.review_queue import ReviewQueue
from taxonaut.workspace.review.review_statements import send_answers
from taxonaut.workspace.run_records import (
    RunRecord,
    get_run,
    list_runs,
    recorded_decisions,
    run_record,
)
from taxonaut.workspace.vocabulary.assign import aassign_vocabulary
from taxonaut.workspace.vocabulary.build import VocabularyBuild, abuild_vocabulary
from taxonaut.workspace.walk.classification import (
    KIND,
    Classification,
    LabelBatch,
    label_with_graph,
    label_with_walk,
    shown_results,
)
from taxonaut.workspace.walk.explanation import Explanation, explain
from taxonaut.workspace.walk.item_scores import CalibrationCard, calibrate, forget_calibration, scores_of
from taxonaut.workspace.walk.labelled_items import store_gold
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

    def open_trained(self) -> TrainedScores | None:
        """Return the trained expert that [walk] `expert` names; see `open_trained_scores`."""
        return open_trained_scores(self)

    def import_labels(self, labels: LabelFile) -> None:
        """Import labels into an empty workspace, with the tree that their file describes, if any."""
        present = len(self.index.label_ids())
        if present:
            raise InputError(
                f"{str(self.folder)!r} already has {present:,} labels; add to them (taxonaut labels add FILE), "
                "or import into a new workspace (taxonaut init DIR)"
            )
        tree = labels.tree
        if tree is None and labels.has_tree:
            tree = build_native_tree(labels.rows, labels.graph)
        with self.database.write(), self.index.change(f"import {labels.name}"):
            self.index.add_labels(labels.labels)
            event = self.index.version()
            if tree is not None:
                self.index.load_tree(tree, allow_unplaced=labels.tree is not None or labels.has_unplaced)
            retire_deprecated(self.index, labels.retired, labels.name)
            load_history(self.index, labels.history)
            if labels.rdf is not None:
                keep_rdf(self, event, labels.rdf, tree)
        texts = [path_text(row.path) or row.label.name for row in labels.rows if not row.is_node]
        self.wiring.languages.check_labels(texts)

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

    def merge_labels(
        self, keep: str, away: Sequence[str], *, reason: str = "", dry_run: bool = False
    ) -> LabelChange:
        """Merge labels into one, which takes their names, their places and what is below them; they are retired.

        Labels are given by id, name or path in this and the next five methods. Each is one change of the index, with
        a note; a dry run writes nothing. They raise NotFoundError for an unknown label, InputError for a name of
        several, and for a change that is not possible.
        """
        return label_changes.merge_labels(self, keep, away, reason=reason, dry_run=dry_run)

    def move_label(
        self, label: str, to: str, *, leaving: str | None = None, dry_run: bool = False
    ) -> LabelChange:
        """Move a label, with all below it, to another node: a number, path or label. `leaving`: the one it leaves."""
        return label_changes.move_label(self, label, to, leaving=leaving, dry_run=dry_run)

    def split_label(
        self, label: str, parts: Sequence[str], *, reason: str = "", dry_run: bool = False
    ) -> LabelChange:
        """Split a label into several, which go where it stands; it is retired, with a mapping to all of them.

        `parts`: names of new labels, `ID=NAME`, or labels that are there.
        """
        return label_changes.split_label(self, label, parts, reason=reason, dry_run=dry_run)

    def retire_labels(
        self,
        labels: Sequence[str],
        *,
        replaced_by: Sequence[str] = (),
        reason: str = "",
        dry_run: bool = False,
    ) -> LabelChange:
        """Retire labels: they leave the tree and are answered no more; what is below goes to the replacement."""
        return label_changes.retire_labels(
            self, labels, replaced_by=replaced_by, reason=reason, dry_run=dry_run
        )

    def restore_labels(self, labels: Sequence[str], *, dry_run: bool = False) -> LabelChange:
        """Bring retired labels back to where they stood, or to the nearest place above that is left."""
        return label_changes.restore_labels(self, labels, dry_run=dry_run)

    def rename_label(
        self,
        label: str,
        name: str | None = None,
        *,
        new_id: str | None = None,
        reason: str = "",
        dry_run: bool = False,
    ) -> LabelChange:
        """Give a label another name, another id, or both; the former id is mapped to the new one."""
        return label_changes.rename_label(self, label, name, new_id=new_id, reason=reason, dry_run=dry_run)

    async def aupdate_labels(
        self,
        labels: LabelFile,
        accept: AcceptRule | Sequence[Change] | None = None,
        *,
        partial: bool = False,
        same_ids: bool = False,
        on_update: OnUpdate | None = None,
    ) -> UpdateReport:
        """Take over a new version of the labels' file, as one change; see `compare_version`.

        `accept`: a rule, or changes that `compare_version` returned; by default all that is certain. `partial`:
        labels that the file lacks stay. Raises InputError for a file of another taxonomy, and for one that lacks
        most labels unless it is `partial` or `accept` is given.
        """
        with listening(on_update):
            update = prepare_update(self, labels, partial=partial, same_ids=same_ids)
            rule = AcceptRule() if accept is None else accept
            accepted = update.accepted(rule) if isinstance(rule, AcceptRule) else rule
            if accept is None:
                check_not_partial(update, accepted)
            return await apply_update(self, update, accepted)

    def update_labels(
        self,
        labels: LabelFile,
        accept: AcceptRule | Sequence[Change] | None = None,
        *,
        partial: bool = False,
        same_ids: bool = False,
        on_update: OnUpdate | None = None,
    ) -> UpdateReport:
        """Do what `aupdate_labels` does, from synchronous code."""
        return PORTAL.run(
            self.aupdate_labels(labels, accept, partial=partial, same_ids=same_ids, on_update=on_update)
        )

    def compare_version(
        self,
        labels: LabelFile,
        *,
        partial: bool = False,
        same_ids: bool = False,
        on_update: OnUpdate | None = None,
    ) -> LabelUpdate:
        """Compare the labels with a new version of their file: what is new, gone, renamed, moved, merged or split.

        Nothing is written. Raises InputError for a file of another taxonomy.
        """
        with listening(on_update):
            return prepare_update(self, labels, partial=partial, same_ids=same_ids)

    def match_labels(
        self,
        other: LabelFile,
        *,
        top: int = 1,
        least: float = 0.0,
        one_to_one: bool = False,
        on_update: OnUpdate | None = None,
    ) -> list[LabelMatch]:
        """Map each label to the `top` most alike of another taxonomy, with scores of at least `least`.

        `one_to_one`: no two labels are mapped to the same one. Raises InputError for a workspace without labels.
        """
        self.check_has_labels()
        with listening(on_update):
            return match_sets(
                set_from_index(self.index.snapshot(), str(self.folder)),
                set_from_file(other),
                partial(self.wiring.stored.lookup, stage="embedding labels"),
                top=top,
                least=least,
                one_to_one=one_to_one,
            )

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
        self.check_has_labels()
        labels = self.index.all_labels()
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
        self,
        texts: Texts,
        sample: int = 0,
        *,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
    ) -> VocabularyBuild:
        """Build a vocabulary of descriptors from texts and make it the index; `undo` reverts it.

        `sample`: build it from a random sample of this size; 0: from all texts. Raises InputError for a workspace
        with labels and for no items with a text.
        """
        with listening(on_update):
            return await abuild_vocabulary(self, list(given_items(texts, columns).items()), sample)

    def build_vocabulary(
        self,
        texts: Texts,
        sample: int = 0,
        *,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
    ) -> VocabularyBuild:
        """Do what `abuild_vocabulary` does, from synchronous code."""
        return PORTAL.run(self.abuild_vocabulary(texts, sample, columns=columns, on_update=on_update))

    async def aassign_vocabulary(
        self,
        texts: Texts,
        *,
        every: bool | None = None,
        keep: bool = True,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
    ) -> list[Tagging]:
        """Assign descriptors of the vocabulary to texts: the best one per level; with `every`, all that fit.

        Without `keep` the texts are a trial: they become no items of the vocabulary, and no export has them.
        """
        with listening(on_update):
            return await aassign_vocabulary(self, given_items(texts, columns).items(), every=every, keep=keep)

    def assign_vocabulary(
        self,
        texts: Texts,
        *,
        every: bool | None = None,
        keep: bool = True,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
    ) -> list[Tagging]:
        """Do what `aassign_vocabulary` does, from synchronous code."""
        return PORTAL.run(
            self.aassign_vocabulary(texts, every=every, keep=keep, columns=columns, on_update=on_update)
        )

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

    def review_errors(
        self,
        rows: Sequence[ItemRow] | None = None,
        *,
        expert: int | None = None,
        least: float = 0.5,
        limit: int = 0,
        on_update: OnUpdate | None = None,
    ) -> ErrorReport:
        """Rank labelled items by how likely their labels are wrong; by default those the newest expert learned from.

        Items with a score of at least `least` (0 to 1), at most `limit` of them (0: all). Raises InputError for items
        without labels, NotFoundError without items and expert.
        """
        with listening(on_update):
            return find_label_errors(self, rows, expert=expert, least=least, limit=limit)

    def review_next(
        self,
        rows: Sequence[ItemRow],
        count: int,
        *,
        expert: int | None = None,
        on_update: OnUpdate | None = None,
    ) -> NextReport:
        """Choose `count` items to label next, the most useful first; those of `rows` with labels count as labelled.

        Raises InputError where all items have labels.
        """
        with listening(on_update):
            return find_next_items(self, rows, count, expert=expert)

    def review_queue(self, person: str = "") -> ReviewQueue:
        """Return the queue of items to look at, for one person; without one it can be filled and read.

        `put` fills it, `next` gives an item, `answer` takes a decision, `undo` takes the latest back;
        `send_decisions` tells the ledger.
        """
        return ReviewQueue(self.folder, person)

    def send_decisions(self, queue: ReviewQueue) -> int:
        """Tell the ledger what was decided in a queue; return how many decisions are new there."""
        return send_answers(self, queue)

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

    async def alearn(
        self,
        rows: Sequence[ItemRow] | None = None,
        *,
        adopt: Adopt = "never",
        on_update: OnUpdate | None = None,
        **learning: Unpack[LearningSettings],
    ) -> Learned:
        """Learn from labelled items, by default all of the ledger that were not only evaluated, and save a version.

        It is measured on items and labels that it was not learned from. `adopt`: `auto` uses it from now on if
        nothing fell there by more than its interval; else `Workspace.learned.adopt` does. `learning` overrides
        settings of [learning]. An equal call continues one that was killed. Raises InputError for too little to
        learn from.
        """
        with listening(on_update):
            if rows is not None:
                store_gold(self, [replace(row, gold=self.index.present(row.gold)) for row in rows], "learn")
            return await run_learning(
                self,
                learning_settings(self.config.learning, **learning),
                lambda workspace, kind: workspace.classification_of(kind),
                None if rows is None else [row.item for row in rows],
                adopt,
            )

    def learn(
        self,
        rows: Sequence[ItemRow] | None = None,
        *,
        adopt: Adopt = "never",
        on_update: OnUpdate | None = None,
        **learning: Unpack[LearningSettings],
    ) -> Learned:
        """Do what `alearn` does, from synchronous code."""
        return PORTAL.run(self.alearn(rows, adopt=adopt, on_update=on_update, **learning))

    @property
    def learned(self) -> LearnedHistory:
        """The versions of what was learned, and which one is in use."""
        return LearnedHistory(self)

    def classification(self, **walk: Unpack[WalkSettings]) -> Classification:
        """Prepare a classification; `walk` overrides settings of the [walk] table, such as `top=5`."""
        if walk:
            return self.with_walk(**walk).classification()
        return self.classification_of(KIND)

    def classification_of(self, kind: str) -> Classification:
        """Prepare a classification as a run of another kind, which `explain` and `cost` do not read."""
        self.check_walkable()
        index = self.index.version()
        settings = {
            "index": index,
            "templates": self.store_templates(self.wiring.walk_templates),
            "version": version.VERSION,
            **self.config.answer_settings(),
            **self.scores_identity,
        }
        run = Resumable(self.runs, kind, settings, check=partial(self.check_version, index))
        return Classification(
            run,
            self.decisions,
            self.items,
            self.labelling(),
            self.batch,
            limits=self.text_limits,
            languages=self.wiring.languages,
            show=shown_results(self.index, scores_of(self).show, shown_names(self)),
        )

    def labelling(self) -> LabelBatch:
        """Return what labels a batch: the walk, as a graph where LangSmith is to see its steps."""
        if self.config.tracing.langsmith:
            return label_with_graph(self.graph().compile(), traced=True)
        return label_with_walk(prepare_walk(self))

    async def acategorize(
        self,
        texts: Texts,
        *,
        expert: int | None = None,
        everything: bool = False,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
        **categorize: Unpack[CategorizeSettings],
    ) -> CategorizedItems:
        """Categorize texts with the trained expert; below a confidence threshold the general expert decides.

        `expert`: the number of a trained expert, None: the newest. `everything`: send all texts to the general
        expert. `categorize` overrides settings of the [categorize] table for this call, such as `threshold=0.8`.
        """
        with listening(on_update):
            given, rows = given_items(texts, columns), dict[str, Mapping[str, object]]()
            found = await acategorize(
                self, given.items(rows), expert=expert, everything=everything, **categorize
            )
        return CategorizedItems(found, given.fields, [rows[each.item_id] for each in found])

    def categorize(
        self,
        texts: Texts,
        *,
        expert: int | None = None,
        everything: bool = False,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
        **categorize: Unpack[CategorizeSettings],
    ) -> CategorizedItems:
        """Do what `acategorize` does, from synchronous code."""
        return PORTAL.run(
            self.acategorize(
                texts,
                expert=expert,
                everything=everything,
                columns=columns,
                on_update=on_update,
                **categorize,
            )
        )

    async def aclassify(
        self,
        texts: Texts,
        *,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
        **walk: Unpack[WalkSettings],
    ) -> ItemResults:
        """Classify texts; results are in their order, each label with its path.

        `walk` overrides settings of the [walk] table for this call, such as `top=5`. Finished items are stored: the
        same call again makes no request.
        """
        with listening(on_update):
            given, rows = given_items(texts, columns), dict[str, Mapping[str, object]]()
            found = [result async for result in self.stream(given.items(rows), **walk)]
        return ItemResults(found, given.fields, [rows[result.item_id] for result in found])

    async def stream(
        self,
        texts: Texts,
        *,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
        **walk: Unpack[WalkSettings],
    ) -> AsyncGenerator[ItemResult, None]:
        """Yield results as batches finish, for more texts than fit in memory."""
        with listening(on_update):
            classification = self.classification(**walk)
        async with aclosing(classification.results(given_items(texts, columns).items())) as results:
            while True:
                # Set for each step alone: what a generator sets would last in its caller until the next one.
                with listening(on_update):
                    found = await anext(results, None)
                if found is None:
                    return
                yield found[1]

    def classify(
        self,
        texts: Texts,
        *,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
        **walk: Unpack[WalkSettings],
    ) -> ItemResults:
        """Do what `aclassify` does, from synchronous code, also where an event loop runs, as in a notebook."""
        return PORTAL.run(self.aclassify(texts, columns=columns, on_update=on_update, **walk))

    async def adistribute(
        self,
        texts: Texts,
        method: str | None = None,
        *,
        model: str | None = None,
        node: NodeId | None = None,
        shots: Sequence[ItemRow] = (),
        seed: int = 0,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
    ) -> list[LabelDistribution]:
        """Estimate for each text the share of annotators who would give each label; see docs/distributions.md.

        `method`: compare-to-none, hard, unary, binary or max, which ask the language model `model` (by default that
        of [models.general_expert]); or trained, linear-probe or similarity, which `train_distribution` fits. By
        default what was trained, else compare-to-none. `node`: the labels below it, by default all. `shots`: labelled
        items that prompts show. `seed` shuffles the labels. Finished items are kept. Raises InputError for too many
        labels, and for a method that the model does not allow.
        """
        with listening(on_update):
            made = prepare_distribution(self, method, model=model, node=node, shots=shots, seed=seed)
            async with aclosing(made.results(given_items(texts, columns).items())) as results:
                return [result async for _, result in results]

    def distribute(
        self,
        texts: Texts,
        method: str | None = None,
        *,
        model: str | None = None,
        node: NodeId | None = None,
        shots: Sequence[ItemRow] = (),
        seed: int = 0,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
    ) -> list[LabelDistribution]:
        """Do what `adistribute` does, from synchronous code."""
        return PORTAL.run(
            self.adistribute(
                texts,
                method,
                model=model,
                node=node,
                shots=shots,
                seed=seed,
                columns=columns,
                on_update=on_update,
            )
        )

    def train_distribution(
        self,
        rows: Sequence[ItemRow],
        method: str = "trained",
        *,
        model: str | None = None,
        node: NodeId | None = None,
        shots: Sequence[ItemRow] = (),
        skip_unknown: bool = False,
        on_update: OnUpdate | None = None,
    ) -> DistributionCard:
        """Fit a method to annotators' votes (the column `annotators`), or to labels, and save it in the workspace.

        `method`: trained (regression on vectors and words), linear-probe (on a gguf/… model's last layer), similarity
        or compare-to-none (Platt scaling). Raises InputError for votes for labels that do not exist, unless
        `skip_unknown`, and for items without votes.
        """
        with listening(on_update):
            return train(self, rows, method, model=model, node=node, shots=shots, skip_unknown=skip_unknown)

    async def ashortlists(
        self,
        texts: Texts,
        *,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
        **walk: Unpack[WalkSettings],
    ) -> list[ShortlistResult]:
        """Return the shortlist of each text, without ranking it."""
        with listening(on_update):
            return await shortlists(self.with_walk(**walk), list(given_items(texts, columns).items()))

    def shortlists(
        self,
        texts: Texts,
        *,
        columns: ItemColumns | None = None,
        on_update: OnUpdate | None = None,
        **walk: Unpack[WalkSettings],
    ) -> list[ShortlistResult]:
        """Do what `ashortlists` does, from synchronous code."""
        return PORTAL.run(self.ashortlists(texts, columns=columns, on_update=on_update, **walk))

    def explain(self, item_id: ItemId, gold: Sequence[LabelId] = ()) -> Explanation:
        """Explain the latest walk of an item as a tree, and where each `gold` label was found or lost."""
        return explain(self, item_id, gold)

    def correct(
        self,
        item: str | Item,
        right: str | Sequence[str] = (),
        wrong: str | Sequence[str] = (),
        *,
        person: str,
        complete: bool = False,
        source: Source = "review",
        weight: float = 1.0,
    ) -> Correction:
        """Say which labels of an item are right and which are wrong; what was said before stays in the ledger.

        `item`: an id, a text, or an `Item` that need not be known. Labels by id, name or path. `complete`: the right
        labels are all that it has, so that every other is wrong; without any, no label fits. `person` is who says
        so: the latest of each person counts, before any gold file, and two who contradict each other are a conflict
        (`Feedback.conflicts`). `weight`: how much it counts in learning. Raises NotFoundError for an unknown item or
        label, InputError for nobody's correction, and for a label that is said to be both.
        """
        return correct(
            self, item, right, wrong, person=person, complete=complete, source=source, weight=weight
        )

    def take_back(self, item: str | Item, *, person: str) -> Correction:
        """Take back all that a person said about an item. Raises NotFoundError if that is nothing."""
        return take_back(self, item, person=person)

    def feedback(self, *, first: int | None = None) -> Feedback:
        """Return what can be learned: each text's right labels, errors and misses (XMC-Agent, 2.3).

        Truths come from gold files that were evaluated or added, and from corrections; the marks are of each text's
        latest walk. `first`: how many labels of an answer count, by default all of them. What is left out, such as
        labels about which people contradict each other, is told.
        """
        return read_feedback(self, first=first)

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

    def list_runs(self, kind: str | None = None) -> list[RunRecord]:
        """Return the runs, the latest first, with what they cost; optionally of one kind, such as `classify`."""
        return list_runs(self.runs, self.decisions, kind)

    def get_run(self, run: int) -> RunRecord:
        """Return one run with what it cost. Raises NotFoundError."""
        return run_record(get_run(self.runs, run), self.decisions.by_model(run).get(RunId(run), ()))

    def run_decisions(
        self, run: int, item: str | None = None, *, most: int | None = None
    ) -> list[RecordedDecision]:
        """Return the first `most` decisions of a run, or of one item in it, in order; None: all.

        Each has its transcript: what the language model was sent, and what it replied. Raises NotFoundError.
        """
        return recorded_decisions(self.runs, self.decisions, run, item, most)
