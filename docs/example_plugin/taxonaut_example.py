"""An example of each extension point of taxonaut: a model, a tool, a walk policy and a file format."""

import tomllib
from collections.abc import Iterator, Sequence

from taxonaut import (
    Answers,
    ModelRequest,
    ModelServices,
    ModelSettings,
    Outcome,
    Row,
    ScriptedModel,
    Source,
    Table,
    Tool,
    ToolContext,
    ToolSpec,
    WalkPolicy,
)


def open_words(settings: ModelSettings, services: ModelServices) -> Answers:
    """Open `words/any`: a model that chooses the options that share a word with the text."""

    def choose(request: ModelRequest) -> list[int]:
        words = set(request.text.casefold().split())
        shared = [each.id for each in request.choices if words & set(each.texts[0].casefold().split())]
        return shared[: request.most] or [0]

    return ScriptedModel(rule=choose)


def tools(context: ToolContext) -> Sequence[Tool]:
    """Add `/count`: how many labels the workspace has."""

    async def count(arguments: object) -> Outcome:
        labels = len(context.index.label_ids())
        return Outcome(f"{labels:,} labels.", f"{labels:,} labels", {"labels": labels})

    spec = ToolSpec("count_labels", "Count the labels.", {"type": "object", "properties": {}})
    return [Tool(spec, count, "count", "", lambda words: {}, examples=["count the labels"])]


class NearTheBest(WalkPolicy):
    """Open only branches whose score is within a tenth of the best one's."""

    def kept(self, branches, reached, opened):  # type: ignore[no-untyped-def]
        """Leave out what is far from the best, then choose as ever."""
        best = max(branches.values(), default=0.0)
        near = {node: score for node, score in branches.items() if score >= best - 0.1}
        keep, why = super().kept(near, reached, opened)
        return keep, why | dict.fromkeys(branches.keys() - near.keys(), "threshold")


def read_toml(source: Source, plain: str) -> Table:
    """Read a TOML file of `[[labels]]` tables, one row each."""

    def rows() -> Iterator[Row]:
        with source.open_bytes() as file:
            for number, values in enumerate(tomllib.load(file)["labels"], start=1):
                yield Row(number, f"{source.name}, label {number}", values)

    return Table(source, None, rows)
