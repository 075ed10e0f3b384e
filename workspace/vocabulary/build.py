"""Build a vocabulary from items and make it the index, as one change and a resumable run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

from taxonaut.graphs.build_vocabulary import build_vocabulary
from taxonaut.graphs.policies import VocabularyPolicy
from taxonaut.state import version
from taxonaut.state.descriptors import RefinedGroup
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import ItemId, NodeId, RunId
from taxonaut.state.records import VOCABULARY, Item, Tree, TreeNode, distinct_items
from taxonaut.state.stores.runs import RunUnits
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import Resumable
from taxonaut.workspace.core.run_graph import run_graph
from taxonaut.workspace.vocabulary.reading import FAILED, KIND, MADE, level_of_key
from taxonaut.workspace.vocabulary.vocabulary_agents import (
    TEMPLATES,
    fingerprint_settings,
    item_text,
    make_item_table,
    make_vocabulary_agents,
    tell_cut_texts,
)


@dataclass(frozen=True, slots=True)
class VocabularyBuild:
    """The result of a build. `again`: the vocabulary was built already, and nothing was requested or changed.

    `failed`: the error of each group about which a request got no usable answer; the same call asks again for these.
    """

    run: RunId
    items: int
    groups: int
    descriptors: int
    problems: Mapping[str, tuple[str, ...]]
    again: bool = False
    failed: Mapping[str, str] = field(default_factory=dict)


async def abuild_vocabulary(workspace: Core, items: Sequence[Item], sample: int = 0) -> VocabularyBuild:
    """Build a vocabulary from items that have a text, or from a random `sample` of them (0: all).

    The items are stored. An equal call continues an interrupted build, and does nothing after a finished one; if
    requests failed, it asks for these again and replaces the vocabulary.
    Raises InputError for a workspace with labels, no items with a text, or two different items with one id, and
    ModelError if a model is unavailable.
    """
    items = list(workspace.wiring.languages.check_items(check_items(workspace, items)))
    chosen = sample_items(
        [item for item in items if item.text.strip()], sample, workspace.config.vocabulary.seed
    )
    workspace.items.put(items)
    workspace.store_templates(TEMPLATES)
    known = {"version": version.VERSION, **fingerprint_settings(workspace.config, workspace.wiring)}
    parts = chain.from_iterable((item.id, item.text) for item in chosen)
    with Resumable(workspace.runs, KIND, known, parts).recording() as run:
        refined, failed = await refine(workspace, run, chosen)
        again = is_current(workspace, run.id) and not run.finished([FAILED]).get(FAILED)
        if not again:
            write_vocabulary(workspace, run, refined, failed, chosen)
    problems = {key: each.problems for key, each in refined.items() if each.problems}
    count = sum(len(each.centres) for each in refined.values())
    return VocabularyBuild(run.id, len(chosen), len(refined), count, problems, again, failed)


def check_items(workspace: Core, items: Sequence[Item]) -> list[Item]:
    """Return the distinct items. Raises InputError if no vocabulary can be built from them."""
    if labels := len(workspace.index.label_ids()):
        raise InputError(
            f"{str(workspace.folder)!r} has {labels:,} label{'' if labels == 1 else 's'}; build a vocabulary in a "
            "separate workspace: taxonaut init DIR"
        )
    if not any(item.text.strip() for item in items):
        raise InputError("none of the items has a text; a vocabulary is built from texts")
    return distinct_items(items)


def sample_items(items: Sequence[Item], count: int, seed: int) -> Sequence[Item]:
    """Return a random sample of items in their order; all if `count` is 0 or too large."""
    if not 0 < count < len(items):
        return items
    import numpy as np

    rows = np.random.default_rng(seed).choice(len(items), count, replace=False)
    return [items[row] for row in sorted(rows.tolist())]


def make_policy(workspace: Core) -> VocabularyPolicy:
    """Return the policy of the [vocabulary] settings."""
    given = workspace.config.vocabulary
    return VocabularyPolicy(**{field.name: getattr(given, field.name) for field in fields(VocabularyPolicy)})


async def refine(
    workspace: Core, run: RunUnits, items: Sequence[Item]
) -> tuple[dict[str, RefinedGroup], dict[str, str]]:
    """Run the graph over the items; return the groups, and the errors of those that lack an answer."""
    table = make_item_table(workspace.wiring, items, "embedding items")
    agents = make_vocabulary_agents(workspace.wiring, table)
    graph = build_vocabulary(
        agents.suggestions,
        agents.architect,
        agents.annotator,
        agents.writer,
        agents.reviewer,
        make_policy(workspace),
        run,
    ).compile()
    state = await run_graph(graph, {"items": list(items)}, traced=workspace.config.tracing.langsmith)
    return state["refined"], state["failed"]


def is_current(workspace: Core, run: RunId) -> bool:
    """Whether the vocabulary of a run is the index."""
    index = workspace.index
    return index.tree_method() == VOCABULARY and index.tree_settings().get("run") == run


def write_vocabulary(
    workspace: Core,
    run: RunUnits,
    refined: Mapping[str, RefinedGroup],
    failed: Mapping[str, str],
    items: Sequence[Item],
) -> None:
    """Make the vocabulary the index in one change, with an event per level and round."""
    tell_cut_texts(items, workspace.config)
    texts = {item.id: item_text(item, workspace.config.vocabulary.characters) for item in items}
    index = workspace.index
    made: dict[str, NodeId] = {"": index.root()}
    with workspace.database.write(), index.change(f"vocabulary build: {len(items):,} items"):
        index.load_tree(Tree(VOCABULARY, (), (), (), {"run": int(run.id)}))
        for _, batch in sorted(group_by_round(refined).items()):
            pairs = [(made[key], make_node(refined[key].centres[number], texts)) for key, number in batch]
            for (key, number), node in zip(batch, index.create_nodes(pairs), strict=True):
                made[f"{key}.{number}" if key else str(number)] = node
        nodes = {str(node): split_key(key) for key, node in made.items() if key}
        run.finish({MADE: nodes, FAILED: failed} if failed or run.finished([FAILED]) else {MADE: nodes}, [])


def group_by_round(refined: Mapping[str, RefinedGroup]) -> dict[tuple[int, int], list[tuple[str, int]]]:
    """Group descriptors, as (group key, number), by level and the round that created them (0: first proposal)."""
    found: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for key, each in refined.items():
        created = {
            change.centre.name: place
            for place, round_ in enumerate(each.rounds, start=1)
            for change in round_.changes
            if change.approved and change.kind == "create" and change.centre is not None
        }
        for number, centre in enumerate(each.centres):
            born = 0 if number < each.initial else created.get(centre.name, 0)
            found.setdefault((level_of_key(key), born), []).append((key, number))
    return found


def split_key(key: str) -> list[Any]:
    """Return the group key and the number of a descriptor's key."""
    group, _, number = key.rpartition(".")
    return [group, int(number)]


def make_node(centre: Centre, texts: Mapping[ItemId, str]) -> TreeNode:
    """Return a descriptor as a tree node, with the texts of its examples."""
    examples = tuple(dict.fromkeys(texts[ItemId(item)] for item in centre.examples))
    return TreeNode(
        0, centre.name, centre.description, None, examples, tuple(centre.includes), tuple(centre.excludes)
    )
