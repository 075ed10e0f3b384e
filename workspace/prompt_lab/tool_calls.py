"""Which tool call a template asks for, with its schema for given variables."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from taxonaut.state.records import ToolSpec
from taxonaut.tools.assign_label import assign_items_spec, assign_labels_spec
from taxonaut.tools.choose_category import choose_category_spec
from taxonaut.tools.expand_node import expand_node_spec
from taxonaut.tools.rank_candidates import rank_candidates_spec
from taxonaut.tools.write.propose_category import propose_categories_spec, propose_descriptors_spec
from taxonaut.tools.write.propose_change import propose_change_spec
from taxonaut.tools.write.review_changes import review_changes_spec
from taxonaut.tools.write.write_definition import write_definition_spec
from taxonaut.tools.write.write_keywords import write_keywords_spec
from taxonaut.tools.write.write_labels import write_labels_spec
from taxonaut.workspace.prompt_lab.subject import Sample

BY_LIKELIHOOD = frozenset({"judge/likely"})
"""Templates beside those called `…_scored` that are answered by the likelihood of texts."""

SAYS_YES = "judge/yes_no"
"""The template whose answer is the likelihood of the word yes."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a call may hold: `numbers` 1 to n of the options, none of them (0), cannot tell (-1), at most so many."""

    spec: ToolSpec
    numbers: int = 0
    none: bool = False
    undecided: bool = False
    most: int | None = None

    @property
    def properties(self) -> frozenset[str]:
        """The names of the call's properties, those within others too."""
        return frozenset(names(self.spec.parameters))

    @property
    def words(self) -> frozenset[str]:
        """The words that a property may have as its value."""
        return frozenset(enumerated(self.spec.parameters))


def is_scored(template: str) -> bool:
    """Say whether a template is answered by likelihood, without a tool call."""
    return template.endswith("_scored") or template in BY_LIKELIHOOD or template == SAYS_YES


def call_for(template: str, sample: Sample) -> Call | None:
    """Return the call that a template asks for with these variables; None if it asks for none."""
    if is_scored(template):
        return None
    count, most = len(sample.get("options", ())), sample.get("most", 1)
    listed = max(1, len(re.findall(r"^\d+\. ", str(sample.get("text", "")), re.MULTILINE)))
    match template:
        case "navigator/expand":
            return Call(expand_node_spec(count, most), count, none=True, most=most)
        case "general_expert/rank":
            return Call(rank_candidates_spec(count, most), count, none=True, most=most)
        case "general_expert/choose":
            return Call(choose_category_spec("choose", count, 1), count, none=True, undecided=True, most=1)
        case "general_expert/order":
            return Call(
                choose_category_spec("rank", count, most), count, none=True, undecided=True, most=most
            )
        case "general_expert/think":
            return Call(
                choose_category_spec("think", count, most), count, none=True, undecided=True, most=most
            )
        case "annotator/assign_labels":
            return Call(assign_labels_spec(listed, count, most), count, none=True, most=most)
        case "annotator/assign_items":
            return Call(assign_items_spec(listed, count, most), count, none=True, most=most)
        case "annotator/propose_change":
            return Call(propose_change_spec(count), count)
        case "architect/propose_centres":
            return Call(propose_categories_spec(most), most=most)
        case "architect/propose_descriptors":
            return Call(propose_descriptors_spec(most), most=most)
        case "architect/review_changes":
            return Call(review_changes_spec(listed), count)
        case "annotator/keywords":
            return Call(write_keywords_spec(most), most=most)
        case "label_writer/write":
            return Call(write_labels_spec(most), most=most)
        case "general_expert/define":
            return Call(write_definition_spec())
    return None


def names(schema: Any) -> Iterator[str]:
    """Give the names of all properties of a schema."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for part in schema.values():
            yield from names(part)


def enumerated(schema: Any) -> Iterator[str]:
    """Give the texts among a schema's enumerated values."""
    if isinstance(schema, Mapping):
        yield from (each for each in schema.get("enum", ()) if isinstance(each, str))
        for part in schema.values():
            yield from enumerated(part)
