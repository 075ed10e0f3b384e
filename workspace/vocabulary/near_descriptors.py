"""The nearest descriptors of items, below those that fit: what stands in a semantic id where no descriptor fits."""

from collections.abc import Mapping, Sequence

from taxonaut.agents.annotator import CentreText, Job
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.vocabulary.reading import Descriptor, Vocabulary
from taxonaut.workspace.vocabulary.vocabulary_agents import item_text, make_nearest_annotator

RUNNERS_UP = 2
"""Next nearest descriptors that are kept at each node, for the further slots."""

Nearest = Mapping[ItemId, Tagging]
"""By item whose path ends above other descriptors: `path` continues it to a leaf, `others` are the next nearest."""


def nearest_descriptors(workspace: Core, vocabulary: Vocabulary) -> Nearest:
    """Continue each item's path with the nearest descriptor of each further level, by vectors.

    `others` are the next nearest siblings of these, the deepest first. An item's descriptors depend on its text and
    the vocabulary alone, not on other items; an item without a text has none. No language model is asked. Raises
    WeightsMissingError without the embedder's weights.
    """
    return PORTAL.run(anearest_descriptors(workspace, vocabulary))


async def anearest_descriptors(workspace: Core, vocabulary: Vocabulary) -> Nearest:
    """Do what `nearest_descriptors` does, from asynchronous code."""
    ends = {
        tagging.item_id: tagging.path[-1] if tagging.path else vocabulary.root
        for tagging in vocabulary.taggings
    }
    standing = {item: node for item, node in ends.items() if node in vocabulary.children}
    characters = workspace.config.vocabulary.characters
    known = workspace.items.get(list(standing))
    texts = {item.id: text for item in known if (text := item_text(item, characters))}
    standing = {item: node for item, node in standing.items() if item in texts}
    found = {item: Tagging(item) for item in standing}
    if not standing:
        return found
    annotator = make_nearest_annotator(workspace.wiring, 1 + RUNNERS_UP)
    while standing:
        at: dict[NodeId, list[ItemId]] = {}
        for item, node in standing.items():
            at.setdefault(node, []).append(item)
        jobs = [make_job(node, [texts[item] for item in at[node]], vocabulary.children[node]) for node in at]
        standing = {}
        for (node, items), result in zip(at.items(), await annotator.assign(jobs), strict=True):
            if result.error is not None:
                raise result.error
            for item, numbers in zip(items, result.each, strict=True):
                best, *next_best = (vocabulary.children[node][number].id for number in numbers)
                before = found[item]
                found[item] = Tagging(item, (*before.path, best), (*next_best, *before.others))
                if best in vocabulary.children:
                    standing[item] = best
    return found


def make_job(node: NodeId, texts: Sequence[str], children: Sequence[Descriptor]) -> Job:
    """Return the annotator's job at one node."""
    centres = tuple(
        CentreText(
            each.node.name,
            each.node.description,
            each.node.examples,
            each.node.includes,
            each.node.excludes,
        )
        for each in children
    )
    return Job(f"node {node}", tuple(texts), centres, node=node)
