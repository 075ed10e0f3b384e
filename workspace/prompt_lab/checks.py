"""Check templates: undefined and unused variables, blocks that do not render, length, and lost prefix sharing."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from taxonaut.models.catalog import ENCODER
from taxonaut.models.gguf.tool_call import WINDOW
from taxonaut.models.settings import ModelSettings
from taxonaut.models.token_count import GGUF, Counter, counter_for
from taxonaut.prompts.files import SUFFIX
from taxonaut.prompts.library import BLOCKS, PromptLibrary
from taxonaut.prompts.variables import example_variables
from taxonaut.state.errors import TaxonautError, TemplateError
from taxonaut.workspace.core.config import Config
from taxonaut.workspace.prompt_lab.checked_template import (
    PLACEHOLDER,
    TEXT,
    CheckedTemplate,
    ParsedTemplate,
    Rendering,
    Sample,
    block_variables,
    item_only,
    render_blocks,
)

Level = Literal["error", "warning"]
ORDER: Mapping[Level, int] = {"error": 0, "warning": 1}


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem found by a check. `file` is the name that templates use, `line` 0 if unknown."""

    level: Level
    rule: str
    message: str
    block: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class BlockLength:
    """Mean tokens of a block over the samples, in the workspace's copy and in the packaged template."""

    block: str
    tokens: int
    packaged: int


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts tokens like the model that reads a template. `window` is its context window, 0 if unknown.

    `exact` is False for an estimate of four characters per token, if the model's tokenizer is not available.
    """

    model: str
    count: Counter
    window: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The findings in one template.

    `samples` is the number of recorded decisions it was rendered with, 0 for the packaged example. `lengths` and
    `counter` are set for edited templates only.
    """

    name: str
    edited: bool
    path: Path
    hash: str
    samples: int
    findings: tuple[Finding, ...]
    lengths: tuple[BlockLength, ...] = ()
    counter: TokenCounter | None = None


def check(
    library: PromptLibrary,
    samples: Mapping[str, Sequence[Sample]],
    config: Config,
    names: Iterable[str] = (),
) -> list[Report]:
    """Check the named templates, by default all; edited ones first.

    `samples` are the variables of recorded decisions by template.
    """
    wanted = list(dict.fromkeys(names)) or library.names()
    for name in wanted:
        library.check_name(name)
    wanted.sort(key=lambda name: (library.where(name) == "packaged", name))
    return [check_template(library, name, samples.get(name, ()), config) for name in wanted]


def check_template(library: PromptLibrary, name: str, samples: Sequence[Sample], config: Config) -> Report:
    """Check one template."""
    edited, path = library.where(name) == "workspace", library.path(name)
    try:
        own = ParsedTemplate(library, name)
    except TemplateError as error:
        found = Finding("error", "not a template", error.reason, "", error.file or name + SUFFIX, error.line)
        return Report(name, edited, path, "", len(samples), (found,))
    packaged = ParsedTemplate(PromptLibrary(), name) if edited else own
    template = CheckedTemplate(own, packaged, samples or [example_variables(name)])
    counter = token_counter(name, config) if edited else None
    count = counter.count if counter is not None else estimate_tokens
    findings = [
        *find_undefined_variables(template),
        *find_render_errors(template),
        *find_unused_variables(template),
        *find_unshared_system(template, count),
        *find_instructions_in_item(template, count),
        *(find_long_prompts(template, counter) if counter is not None else ()),
    ]
    return Report(
        name,
        edited,
        path,
        own.prompt.hash,
        len(samples),
        tuple(sorted(findings, key=lambda finding: ORDER[finding.level])),
        tuple(block_lengths(template, count)) if edited else (),
        counter,
    )


def find_undefined_variables(template: CheckedTemplate) -> Iterator[Finding]:
    """Find variables that a block uses but its agent does not pass."""
    for block in BLOCKS:
        for name, at in template.own.variables[block].items():
            if name not in template.available(block):
                message = f"`{name}` {explain_undefined(name, block, template)}"
                yield Finding("error", "undefined variable", message, block, at.file, at.line)


def explain_undefined(name: str, block: str, template: CheckedTemplate) -> str:
    """Say why a variable is undefined."""
    if name in item_only(template.name) and name in template.declared:
        what = "is the item's text, which" if name == TEXT else "belongs to one item and"
        return f"{what} stands in the block item only: here all items would have to share it"
    if block == "item" and name in template.declared:
        given = " and ".join(f"`{each}`" for each in sorted(template.available("item") - {TEXT}))
        has = f"`text` and {given}" if given else "`text` alone"
        return f"is not given to the block item, which has {has}; move it to context"
    near = get_close_matches(name, template.declared, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"is no variable of this template; {hint}it has {', '.join(sorted(template.declared))}"


def find_render_errors(template: CheckedTemplate) -> Iterator[Finding]:
    """Find blocks that fail to render; blocks with variables missing from the sample are skipped."""
    seen: set[str] = set()
    for block in BLOCKS:
        for sample in template.samples:
            variables = block_variables(template.name, sample, block)
            if template.own.variables[block].keys() - variables.keys():
                continue
            try:
                template.own.prompt.render(block, variables)
            except TemplateError as error:
                if error.reason not in seen:
                    seen.add(error.reason)
                    yield Finding("error", "cannot be rendered", error.reason, block, error.file, error.line)


def find_unused_variables(template: CheckedTemplate) -> Iterator[Finding]:
    """Find variables that the packaged template uses but this one does not."""
    used = template.own.all_variables
    for block in BLOCKS:
        for name in template.packaged.variables[block]:
            if name not in used and name in template.declared:
                used.add(name)
                at = template.own.location(block)
                message = (
                    f"`{name}` is not used; the packaged template has it here, so the model is told less"
                )
                yield Finding("warning", "unused variable", message, block, at.file, at.line)


SHARING = "sharing"

SAME_FOR_A_RUN = frozenset({"task"})
"""Variables that are constant within a run."""

MOST_REPEATED = 20
"""Maximum tokens of instructions in `item` beyond the packaged ones."""

CONTEXT_UNITS = {
    "navigator": "node",
    "annotator/assign": "group",
    "annotator/keywords": "run",
    "label_writer": "run",
}
"""The unit for which `context` is rendered again, by the prefix of template names; default: request."""


def context_unit(template: str) -> str:
    """Return the unit for which `context` is rendered again: node, group, run or request."""
    return next((unit for start, unit in CONTEXT_UNITS.items() if template.startswith(start)), "request")


def find_unshared_system(template: CheckedTemplate, count: Counter) -> Iterator[Finding]:
    """Find variables that make `system` differ within a run, which loses prefix caching, and the cost."""
    unit = context_unit(template.name)
    shared = SAME_FOR_A_RUN | template.packaged.variables["system"].keys()
    changing = {
        name: at
        for name, at in template.own.variables["system"].items()
        if name not in shared and name in template.available("system")
    }
    for name, at in changing.items():
        lost, whole = max(unshared_tokens(template, sample, name, count) for sample in template.samples)
        cost = f": {lost} of its {whole} tokens are read again each time" if lost else ""
        message = (
            f"`{name}` differs from {unit} to {unit}, so `system` is no longer shared by all of them{cost}; "
            "put it into context"
        )
        yield Finding("warning", SHARING, message, "system", at.file, at.line)
    if not changing and system_differs(template, shared):
        at = template.own.location("system")
        message = "`system` is not the same in all recorded decisions"
        yield Finding("warning", SHARING, message, "system", at.file, at.line)


def unshared_tokens(template: CheckedTemplate, sample: Sample, name: str, count: Counter) -> tuple[int, int]:
    """Return the tokens of `system` that are not shared after a variable changes, and all its tokens."""
    one = template.render(sample).get("system")
    other = template.render({**sample, name: change_value(sample.get(name))}).get("system")
    if one is None or other is None or one == other:
        return 0, 0
    pairs = enumerate(zip(one, other, strict=False))
    shared = next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
    return count(one[shared:]), count(one)


def change_value(value: Any) -> Any:
    """Return another value of the same shape."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return PLACEHOLDER + value
    if isinstance(value, Mapping):
        return {key: change_value(each) if key in ("id", "name") else each for key, each in value.items()}
    if isinstance(value, list):
        return [change_value(each) for each in value] or value
    return value


def system_differs(template: CheckedTemplate, shared: Iterable[str]) -> bool:
    """Whether `system` differs between samples with equal shared variables."""
    texts: dict[str, set[str]] = {}
    for sample, blocks in zip(template.samples, template.renderings, strict=True):
        key = repr([(name, sample.get(name)) for name in sorted(shared)])
        texts.setdefault(key, set()).add(blocks.get("system", ""))
    return any(len(found) > 1 for found in texts.values())


def find_instructions_in_item(template: CheckedTemplate, count: Counter) -> Iterator[Finding]:
    """Find instructions in `item`, which the model reads again for every item."""
    sample = {**template.samples[0], TEXT: ""}
    own = count(template.render(sample).get("item", ""))
    packaged = count(render_blocks(template.packaged.prompt, sample).get("item", ""))
    if own - packaged > MOST_REPEATED:
        at = template.own.location("item")
        message = (
            f"{own} tokens of `item` are the same for every item ({packaged} in the packaged one) and read again for "
            "each; in system they are read once a run"
        )
        yield Finding("warning", SHARING, message, "item", at.file, at.line)


NEAR = 0.8
"""Share of the context window above which a prompt is reported."""

ROLES = dict.fromkeys(("distribute", "feedback", "judge", "label_writer"), "general_expert")
"""Agents that use another role's model."""


def token_counter(template: str, config: Config) -> TokenCounter:
    """Return the counter of the model that reads a template; an estimate if it is not available or an encoder."""
    agent = template.partition("/")[0]
    settings: ModelSettings = getattr(config.models, ROLES.get(agent, agent))
    estimate = TokenCounter(settings.model, estimate_tokens, 0, exact=False)
    if settings.provider == ENCODER:
        return estimate
    try:
        count = counter_for(settings)
    except TaxonautError:
        return estimate
    return TokenCounter(settings.model, count, WINDOW if settings.provider == GGUF else 0, exact=True)


def estimate_tokens(text: str) -> int:
    """Estimate tokens at four characters each."""
    return math.ceil(len(text) / 4)


def block_lengths(template: CheckedTemplate, count: Counter) -> list[BlockLength]:
    """Return the length of each block."""
    return [
        BlockLength(
            block,
            mean_tokens(template.renderings, block, count),
            mean_tokens(template.packaged_renderings, block, count),
        )
        for block in BLOCKS
    ]


def mean_tokens(renderings: Sequence[Rendering], block: str, count: Counter) -> int:
    """Return the mean number of tokens of a block."""
    counts = [count(blocks[block]) for blocks in renderings if block in blocks]
    return round(sum(counts) / len(counts)) if counts else 0


def find_long_prompts(template: CheckedTemplate, counter: TokenCounter) -> Iterator[Finding]:
    """Find prompts close to or above the model's context window."""
    if not counter.window:
        return
    longest = max(sum(map(counter.count, blocks.values())) for blocks in template.renderings)
    if longest > NEAR * counter.window:
        level: Level = "error" if longest > counter.window else "warning"
        message = f"a prompt has {longest:,} tokens, and the window of {counter.model} {counter.window:,}"
        yield Finding(level, "length", message)


def find_stray_files(library: PromptLibrary) -> list[Finding]:
    """Find files in the workspace's `prompts/` folder that no template uses."""
    folder = library.folder
    if folder is None or not folder.is_dir():
        return []
    read: set[str] = set()
    for name in library.names():
        if library.where(name) == "workspace":
            try:
                read |= {name + SUFFIX, *library.files(name)}
            except TemplateError:
                read.add(name + SUFFIX)
    found = []
    for path in sorted(folder.rglob("*")):
        file = path.relative_to(folder).as_posix()
        if path.is_file() and file not in read and not is_temporary(path):
            found.append(Finding("warning", "no agent reads it", suggest_name(library, file), "", file))
    return found


def is_temporary(path: Path) -> bool:
    """Whether a file is hidden, or an editor's backup."""
    return any(part.startswith((".", "#")) for part in path.parts[-2:]) or path.name.endswith(
        ("~", ".swp", ".bak")
    )


def suggest_name(library: PromptLibrary, file: str) -> str:
    """Suggest the template that a stray file was meant for."""
    stem = file.removesuffix(SUFFIX)
    near = get_close_matches(stem, library.names(), n=1, cutoff=0.5)
    last = stem.rpartition("/")[2]
    near = near or [name for name in library.names() if name.rpartition("/")[2] == last][:1]
    hint = (
        f"for {near[0]} it would have to be {near[0]}{SUFFIX}"
        if near
        else "`taxonaut prompts list` names them"
    )
    return f"no template is called so; {hint}"
