"""Examine templates: what a changed one no longer says, says wrongly, or makes every item pay for."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from taxonaut.models.token_count import Counter
from taxonaut.prompts.examples import example
from taxonaut.prompts.files import SUFFIX
from taxonaut.prompts.library import BLOCKS, PromptLibrary
from taxonaut.state.errors import TemplateError
from taxonaut.workspace.core.config import Config
from taxonaut.workspace.prompt_lab.instructions import instructions
from taxonaut.workspace.prompt_lab.lengths import (
    BlockLength,
    Reader,
    lengths,
    reader_of,
    repeats,
    roughly,
    too_long,
)
from taxonaut.workspace.prompt_lab.options import options
from taxonaut.workspace.prompt_lab.subject import (
    ITEM_ONLY,
    MASK,
    Finding,
    Sample,
    Subject,
    Version,
    given,
    rendering,
)


def undefined(subject: Subject) -> Iterator[Finding]:
    """Name the variables that a block uses and that its agent does not give."""
    for block in BLOCKS:
        there = {ITEM_ONLY} if block == "item" else subject.declared - {ITEM_ONLY}
        for name, place in subject.own.uses[block].items():
            if name not in there:
                message = f"`{name}` {why_not(name, block, subject)}"
                yield Finding("error", "undefined variable", message, block, place.file, place.line)


def why_not(name: str, block: str, subject: Subject) -> str:
    """Say why a variable is not there."""
    if name == ITEM_ONLY:
        return (
            "is the item's text, which stands in the block item only: here all items would have to share it"
        )
    if block == "item" and name in subject.declared:
        return "is not given to the block item, which has `text` alone; move it to context"
    near = get_close_matches(name, subject.declared, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"is no variable of this template; {hint}it has {', '.join(sorted(subject.declared))}"


def unrenderable(subject: Subject) -> Iterator[Finding]:
    """Say what breaks when a block is rendered with what was recorded."""
    known = {name for uses in subject.own.uses.values() for name in uses}
    seen: set[str] = set()
    for block in BLOCKS:
        for sample in subject.samples:
            try:
                subject.own.prompt.render(block, given(sample, block))
            except TemplateError as error:
                problem = str(error).partition("cannot be rendered: ")[2].rpartition("; edit the template")[0]
                name = problem.split("'")[1] if "' is undefined" in problem else ""
                if problem not in seen and name not in known:
                    seen.add(problem)
                    yield Finding("error", "cannot be rendered", problem, block, error.file, error.line)


def unused(subject: Subject) -> Iterator[Finding]:
    """Name the variables that the packaged template shows and this copy does not."""
    shown = {name for uses in subject.own.uses.values() for name in uses}
    for block in BLOCKS:
        for name in subject.packaged.uses[block]:
            if name not in shown and name in subject.declared:
                yield subject.finding(
                    "warning",
                    "unused variable",
                    f"`{name}` is not used; the packaged template has it here, so the model is told less",
                    block,
                )
                shown.add(name)


RULE = "sharing"

OF_THE_RUN = frozenset({"task"})
"""Variables that stay the same for a whole run."""

MOST_REPEATED = 20
"""Tokens of instructions in `item`, beyond the packaged ones, from which on something is said."""


def unshared_system(subject: Subject, count: Counter, each: str) -> Iterator[Finding]:
    """Find what makes `system` differ within a run, and what that costs."""
    allowed = OF_THE_RUN | set(subject.packaged.uses["system"])
    used = {
        name: place
        for name, place in subject.own.uses["system"].items()
        if name not in allowed and name in subject.declared and name != ITEM_ONLY
    }
    for name, place in used.items():
        cost = max((lost(subject, sample, name, count) for sample in subject.samples), default=(0, 0))
        told = f"`{name}` differs from {each} to {each}, so `system` is no longer shared by all of them"
        if cost[0]:
            told += f": {cost[0]} of its {cost[1]} tokens are read again each time"
        yield Finding("warning", RULE, f"{told}; put it into context", "system", place.file, place.line)
    if not used and differing(subject):
        yield subject.finding("warning", RULE, "`system` is not the same in all recorded decisions", "system")


def lost(subject: Subject, sample: Mapping[str, Any], name: str, count: Counter) -> tuple[int, int]:
    """Return how many tokens of `system` are no longer shared once a variable differs, and how many it has."""
    one = rendering(subject.own.prompt, sample, subject.unknown).get("system")
    other = rendering(subject.own.prompt, {**sample, name: changed(sample.get(name))}, subject.unknown).get(
        "system"
    )
    if one is None or other is None or one == other:
        return 0, 0
    pairs = enumerate(zip(one, other, strict=False))
    shared = next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
    return count(one[shared:]), count(one)


def changed(value: Any) -> Any:
    """Return a value like this one that is another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return MASK + value
    if isinstance(value, Mapping):
        return {key: changed(each) if key in ("id", "name") else each for key, each in value.items()}
    if isinstance(value, list):
        return [changed(each) for each in value] or value
    return value


def differing(subject: Subject) -> bool:
    """Whether `system` comes out differently though all that may differ in it is the same."""
    kept = OF_THE_RUN | set(subject.packaged.uses["system"])
    texts: dict[str, set[str]] = {}
    for sample, blocks in zip(subject.samples, subject.rendered, strict=True):
        key = repr([(name, sample.get(name)) for name in sorted(kept)])
        texts.setdefault(key, set()).add(blocks.get("system", ""))
    return any(len(found) > 1 for found in texts.values())


def repeated(subject: Subject, count: Counter) -> Iterator[Finding]:
    """Find instructions in `item`, which is read anew for every item."""
    if not subject.samples:
        return
    blank = {**subject.samples[0], ITEM_ONLY: ""}
    own, packaged = (
        count(rendering(version.prompt, blank, subject.unknown).get("item", ""))
        for version in (subject.own, subject.packaged)
    )
    if own - packaged > MOST_REPEATED:
        yield subject.finding(
            "warning",
            RULE,
            f"{own} tokens of `item` are the same for every item ({packaged} in the packaged one) and read again for "
            "each; in system they are read once a run",
            "item",
        )


RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    undefined,
    unrenderable,
    unused,
    options,
    instructions,
)
"""What is asked of a template besides its length and what is shared."""

ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out about one template.

    `samples` decisions were recorded; 0: it was rendered with the packaged example. `lengths` are those of its
    blocks, and `reader` who counted, where it is edited.
    """

    name: str
    edited: bool
    path: Path
    hash: str
    samples: int
    findings: tuple[Finding, ...]
    lengths: tuple[BlockLength, ...] = ()
    reader: Reader | None = None


def check(
    library: PromptLibrary,
    samples: Mapping[str, Sequence[Sample]],
    config: Config,
    names: Iterable[str] = (),
) -> list[Report]:
    """Examine templates, all of them unless some are named: those that were edited first.

    `samples` are the variables of recorded decisions by template.
    """
    wanted = list(dict.fromkeys(names)) or library.names()
    for name in wanted:
        library.check_name(name)
    wanted.sort(key=lambda name: (library.where(name) == "packaged", name))
    return [examined(library, name, samples.get(name, ()), config) for name in wanted]


def examined(library: PromptLibrary, name: str, samples: Sequence[Sample], config: Config) -> Report:
    """Examine one template."""
    edited, path = library.where(name) == "workspace", library.path(name)
    try:
        own = Version(library, name)
    except TemplateError as error:
        problem = str(error).partition("is not valid: ")[2].partition("; edit it, or")[0]
        found = Finding("error", "not a template", problem, "", error.file or name + SUFFIX, error.line)
        return Report(name, edited, path, "", len(samples), (found,))
    packaged = Version(PromptLibrary(), name) if edited else own
    subject = Subject(own, packaged, samples or [example(name)])
    reader = reader_of(name, config) if edited else None
    count = reader.count if reader is not None else roughly
    findings = [finding for rule in RULES for finding in rule(subject)]
    findings += shared(subject, count)
    if reader is not None:
        findings += too_long(subject, reader)
    findings.sort(key=lambda finding: ORDER[finding.level])
    measured = tuple(lengths(subject, count)) if edited else ()
    return Report(name, edited, path, own.prompt.hash, len(samples), tuple(findings), measured, reader)


def shared(subject: Subject, count: Counter) -> Iterator[Finding]:
    """Say what is no longer shared."""
    yield from unshared_system(subject, count, repeats(subject.name))
    yield from repeated(subject, count)


def strays(library: PromptLibrary) -> list[Finding]:
    """Name the files of the workspace's folder that no template is read from."""
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
        if path.is_file() and file not in read and not passing(path):
            found.append(Finding("warning", "no agent reads it", stray(library, file), "", file))
    return found


def passing(path: Path) -> bool:
    """Whether a file is an editor's own, or hidden."""
    return any(part.startswith((".", "#")) for part in path.parts[-2:]) or path.name.endswith(
        ("~", ".swp", ".bak")
    )


def stray(library: PromptLibrary, file: str) -> str:
    """Say which template a file may have been meant for."""
    near = get_close_matches(file.removesuffix(SUFFIX), library.names(), n=1, cutoff=0.5)
    last = file.removesuffix(SUFFIX).rpartition("/")[2]
    near = near or [name for name in library.names() if name.rpartition("/")[2] == last][:1]
    hint = (
        f"for {near[0]} it would have to be {near[0]}{SUFFIX}"
        if near
        else "`taxonaut prompts list` names them"
    )
    return f"no template is called so; {hint}"
