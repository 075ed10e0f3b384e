"""How long a template's blocks are, in tokens of the model that reads them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taxonaut.models.settings import ModelSettings
from taxonaut.models.token_count import Counter
from taxonaut.prompts.library import BLOCKS
from taxonaut.state.errors import TaxonautError
from taxonaut.workspace.core.config import Config
from taxonaut.workspace.prompt_lab.subject import Finding, Level, Rendering, Subject

RULE = "length"

NEAR = 0.8
"""Share of a model's window from which on a prompt is called long."""

ROLES = {"judge": "general_expert", "label_writer": "general_expert"}
"""Agents that are asked with another role's model."""

REPEATS = {
    "navigator": "node",
    "annotator/assign": "group",
    "annotator/keywords": "run",
    "label_writer": "run",
}
"""For whom `context` is rendered anew, by how templates' names begin; for each request where none is named."""


@dataclass(frozen=True, slots=True)
class BlockLength:
    """Tokens of a block on average over the samples, in the copy and in the packaged template."""

    block: str
    tokens: int
    packaged: int


@dataclass(frozen=True, slots=True)
class Reader:
    """Who counts: the model that reads a template, its tokens, its window (0: not known), how exactly it counts."""

    role: str
    model: str
    count: Counter
    window: int
    exact: bool


def role_of(template: str) -> str:
    """Return the role whose model reads a template."""
    agent = template.partition("/")[0]
    return ROLES.get(agent, agent)


def repeats(template: str) -> str:
    """Say for whom `context` is rendered anew."""
    return next((each for begin, each in REPEATS.items() if template.startswith(begin)), "request")


def reader_of(template: str, config: Config) -> Reader:
    """Return who reads a template; a model that is not here, or reads no prompt, is counted for roughly."""
    role = role_of(template)
    settings: ModelSettings = getattr(config.models, role)
    try:
        if settings.provider == "gguf":
            from taxonaut.models.gguf.chat import WINDOW
            from taxonaut.models.token_count import counter_for

            return Reader(role, settings.model, counter_for(settings), WINDOW, True)
        if settings.provider != "encoder":
            from taxonaut.models.token_count import counter_for

            return Reader(role, settings.model, counter_for(settings), 0, True)
    except TaxonautError:
        pass
    return Reader(role, settings.model, roughly, 0, False)


def roughly(text: str) -> int:
    """Count a token for four characters."""
    return math.ceil(len(text) / 4)


def lengths(subject: Subject, count: Counter) -> list[BlockLength]:
    """Return the length of each block."""
    return [
        BlockLength(block, mean(subject.rendered, block, count), mean(subject.originals, block, count))
        for block in BLOCKS
    ]


def mean(rendered: Sequence[Rendering], block: str, count: Counter) -> int:
    """Return a block's tokens on average."""
    counts = [count(blocks[block]) for blocks in rendered if block in blocks]
    return round(sum(counts) / len(counts)) if counts else 0


def too_long(subject: Subject, reader: Reader) -> Iterator[Finding]:
    """Find prompts that come near the window of their model."""
    if not reader.window:
        return
    longest = max((sum(map(reader.count, blocks.values())) for blocks in subject.rendered), default=0)
    if longest > NEAR * reader.window:
        level: Level = "error" if longest > reader.window else "warning"
        message = f"a prompt has {longest:,} tokens, and the window of {reader.model} {reader.window:,}"
        yield Finding(level, RULE, message)
