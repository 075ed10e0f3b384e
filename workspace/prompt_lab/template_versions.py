"""List, find and restore the template versions that were used in a workspace."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taxonaut.prompts.eject import inline_template
from taxonaut.prompts.files import SUFFIX
from taxonaut.prompts.library import PromptLibrary, hash_files
from taxonaut.state.errors import InputError, NotFoundError, WorkspaceError
from taxonaut.state.stores.prompt_trials import FirstRight, PromptTrial, PromptTrials, VersionUse
from taxonaut.state.stores.prompt_versions import Templates
from taxonaut.state.workspace_folder import PROMPTS_FOLDER
from taxonaut.workspace.core.core import Core

PACKAGED = "packaged"
"""The name of the packaged version, accepted instead of a hash."""

Way = Literal["already", "written", "whole", "removed"]


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a template. `files` are its sources by name, its own first."""

    name: str
    hash: str
    files: Mapping[str, str]

    @property
    def text(self) -> str:
        """The source of its own file."""
        return self.files[self.name + SUFFIX]


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of `restore`.

    `way`: `already` in use; its file was `written`; the `whole` template was written, because what the version
    extends has changed since (`hash` then differs from `wanted`, but renders the same); the copy was `removed` to use
    the packaged version. `set_aside` is the hash of the former copy, which is stored, or "" without one.
    """

    name: str
    wanted: str
    hash: str
    way: Way
    path: Path
    set_aside: str = ""


def effective_version(workspace: Core, name: str) -> Version:
    """Return the version in use. Raises InputError if it is not valid."""
    workspace.prompts.get(name)
    return version_in(workspace.prompts, name)


def packaged_version(name: str) -> Version:
    """Return the packaged version."""
    return version_in(PromptLibrary(), name)


def version_in(prompts: PromptLibrary, name: str) -> Version:
    """Return the version that a library reads."""
    files = prompts.files(name)
    return Version(name, hash_files(files), files)


def find_version(workspace: Core, given: str, name: str | None = None) -> Version:
    """Return the version whose hash starts with `given`, of the template `name` if given.

    `packaged` needs a name. Raises NotFoundError for no match, InputError for several.
    """
    if name is not None:
        workspace.prompts.check_name(name)
    if given == PACKAGED and name is not None:
        return packaged_version(name)
    if not given.strip():
        raise InputError(f"{given!r} is not a hash; taxonaut prompts log lists them")
    found: dict[str, Version] = {}
    for kept in Templates(workspace.database).beginning(given):
        if name in (None, kept.name):
            found[kept.hash] = Version(kept.name, kept.hash, {kept.name + SUFFIX: kept.text})
    for each in [name] if name is not None else workspace.prompts.names():
        version = packaged_version(each)
        if version.hash.startswith(given):
            found[version.hash] = version
    if not found:
        of = f" of {name}" if name is not None else ""
        raise NotFoundError(
            f"no version{of} with a hash that begins with {given!r} is kept; see taxonaut prompts log"
            + (f" {name}" if name is not None else "")
        )
    if len(found) > 1:
        several = ", ".join(f"{each.hash} ({each.name})" for each in found.values())
        raise InputError(f"{given!r} begins {len(found)} hashes: {several}; give more of the one you mean")
    return complete_version(workspace, next(iter(found.values())))


def complete_version(workspace: Core, version: Version) -> Version:
    """Return a version with all its files; an older taxonaut kept only the template's own."""
    if hash_files(version.files) == version.hash:
        return version
    files = Templates(workspace.database).files(version.hash)
    if not files:
        library = workspace.prompts.with_version(version.name, version.files, complete=False)
        files = library.files(version.name)
    if hash_files(files) != version.hash:
        raise InputError(
            f"of the version {version.hash} of {version.name} only its own file was kept, and what it extends has "
            "changed since; name another version"
        )
    return Version(version.name, version.hash, files)


def restore(workspace: Core, given: str) -> Restored:
    """Put a version in use. The current copy is stored first, so that it can be restored too."""
    version = find_version(workspace, given)
    name = version.name
    path = workspace.folder / PROMPTS_FOLDER / (name + SUFFIX)
    kept = keep_copy(workspace, name, path)
    library = PromptLibrary(workspace.prompts.folder)
    if kept == version.hash or (not kept and library.hash(name) == version.hash):
        return Restored(name, version.hash, version.hash, "already", path)
    if version.hash == packaged_version(name).hash and not is_overlaid(workspace, version):
        path.unlink(missing_ok=True)
        return Restored(name, version.hash, version.hash, "removed", path, kept)
    if is_valid_in_place(library, version):
        write_file(path, version.text)
        return Restored(name, version.hash, version.hash, "written", path, kept)
    write_file(path, as_one_template(version))
    return Restored(name, version.hash, workspace.store_templates([name])[name], "whole", path, kept)


def is_overlaid(workspace: Core, version: Version) -> bool:
    """Whether the workspace has its own copy of a file that the version extends or includes."""
    folder = workspace.folder / PROMPTS_FOLDER
    return any((folder / file).is_file() for file in version.files if file != version.name + SUFFIX)


def keep_copy(workspace: Core, name: str, path: Path) -> str:
    """Store the workspace's copy, if there is one, and return its hash; of an invalid one only its text."""
    if not path.is_file():
        return ""
    try:
        return workspace.store_templates([name])[name]
    except InputError:
        files = {name + SUFFIX: path.read_text(encoding="utf-8", errors="replace")}
        Templates(workspace.database).keep(hash_files(files), name, files[name + SUFFIX], files)
        return hash_files(files)


def is_valid_in_place(library: PromptLibrary, version: Version) -> bool:
    """Whether writing the version's own file restores it, because what it extends has not changed."""
    own = {version.name + SUFFIX: version.text}
    try:
        files = library.with_version(version.name, own, complete=False).files(version.name)
        return hash_files(files) == version.hash
    except InputError:
        return len(version.files) == 1


def as_one_template(version: Version) -> str:
    """Return the text of a version merged with all templates it extends."""
    try:
        return inline_template(PromptLibrary().with_version(version.name, version.files), version.name)
    except InputError as error:
        raise InputError(
            f"what the version {version.hash} of {version.name} extends has changed since, and it cannot be written "
            f"as a standalone template: {error}"
        ) from None


def write_file(path: Path, text: str) -> None:
    """Write a file atomically."""
    temporary = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise WorkspaceError(f"cannot write {str(path)!r}: {error.strerror}") from None


FIRST = "P@1"


@dataclass(frozen=True, slots=True)
class Measured:
    """The share of `items` with gold labels whose first label is right, from a trial or a run."""

    first_right: float
    items: int
    source: Literal["trial", "run"]


@dataclass(frozen=True, slots=True)
class LoggedVersion:
    """A listed version. `use` is None if it never ran; `kept` is when its text was first stored, "" if it is not."""

    template: str
    hash: str
    in_use: bool
    is_packaged: bool
    kept: str
    use: VersionUse | None
    measured: Measured | None

    @property
    def last(self) -> str:
        """When it last ran, else when it was stored."""
        return self.use.last if self.use is not None else self.kept


def list_versions(workspace: Core, name: str | None = None) -> list[LoggedVersion]:
    """Return the versions of all templates, or of the named one; the latest run first.

    With a name, versions that never ran are included: the packaged one, the copy, and former copies; without a
    name, of these only the workspace's copies.
    """
    prompts = workspace.prompts
    if name is not None:
        prompts.check_name(name)
    names = [name] if name is not None else prompts.names()
    trials = PromptTrials(workspace.database)
    uses, rights = trials.uses(name), trials.first_right(name)
    measured = best_measurements(trials.of(name), rights)
    kept = {
        (version.name, version.hash): version.kept for version in Templates(workspace.database).beginning("")
    }
    packaged = {each: PromptLibrary().hash(each) for each in names}
    effective = {each: effective_hash(prompts, each) for each in names}
    found: dict[tuple[str, str], None] = dict.fromkeys(key for key in uses if key[0] in names)
    if name is not None:
        found |= dict.fromkeys(key for key in kept if key[0] == name)
        found[name, packaged[name]] = None
    found |= {
        (each, hash_): None
        for each, hash_ in effective.items()
        if hash_ and prompts.where(each) == "workspace"
    }
    rows = [
        LoggedVersion(
            template=key[0],
            hash=key[1],
            in_use=effective[key[0]] == key[1],
            is_packaged=packaged[key[0]] == key[1],
            kept=kept.get(key, ""),
            use=uses.get(key),
            measured=measured.get(key),
        )
        for key in found
    ]
    return sorted(
        rows,
        key=lambda row: (row.use.newest if row.use else -1, row.last, row.template, row.hash),
        reverse=True,
    )


def effective_hash(prompts: PromptLibrary, name: str) -> str:
    """Return the hash of the version in use; "" if it is not valid."""
    try:
        return prompts.hash(name)
    except InputError:
        return ""


def best_measurements(
    trials: Iterable[PromptTrial], rights: dict[tuple[str, str], FirstRight]
) -> dict[tuple[str, str], Measured]:
    """Return each version's measurement on the most items; of equal ones that of the newest trial."""
    found = {key: Measured(right.share, right.items, "run") for key, right in rights.items()}
    for trial in reversed(list(trials)):
        for side, hash_ in (("before", trial.before), ("after", trial.after)):
            quality = trial.report.get(side, {}).get("quality", {}).get(FIRST)
            items = int(trial.report.get("with_gold", 0))
            former = found.get((trial.template, hash_))
            if quality is not None and (former is None or items >= former.items):
                found[trial.template, hash_] = Measured(float(quality["value"]), items, "trial")
    return found
