"""Examine templates: what a changed one no longer says, says wrongly, or makes every item pay for."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from taxonaut.models.token_count import Counter
from taxonaut.prompts.examples import example
from taxonaut.prompts.files import SUFFIX
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import TemplateError
from taxonaut.workspace.config import Config
from taxonaut.workspace.prompt_instructions import instructions
from taxonaut.workspace.prompt_length import (
    BlockLength,
    Reader,
    lengths,
    reader_of,
    repeats,
    roughly,
    too_long,
)
from taxonaut.workspace.prompt_options import options
from taxonaut.workspace.prompt_sharing import repeated, unshared_system
from taxonaut.workspace.prompt_subject import Finding, Sample, Subject, Version
from taxonaut.workspace.prompt_variables import undefined, unrenderable, unused

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
