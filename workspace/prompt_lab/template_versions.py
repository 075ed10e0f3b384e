"""Versions of templates: keep those that run, find one by its hash, bring one back."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taxonaut.prompts.files import SUFFIX
from taxonaut.prompts.library import PromptLibrary, hash_of
from taxonaut.prompts.versions import KeptVersion, OtherVersion, whole
from taxonaut.state.errors import InputError, NotFoundError, WorkspaceError
from taxonaut.state.stores.prompt_versions import Templates
from taxonaut.workspace.core.core import Core

PACKAGED = "packaged"
"""The word that stands for the packaged version, wherever a hash may stand."""

Way = Literal["already", "written", "whole", "removed"]


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a template. `files` are all sources behind it, its own first, by the loader's names."""

    name: str
    hash: str
    files: Mapping[str, str]

    @property
    def text(self) -> str:
        """The source of its own file."""
        return self.files[self.name + SUFFIX]


@dataclass(frozen=True, slots=True)
class Restored:
    """What bringing a version back did.

    `way`: it counts already; its file was `written`; the `whole` template was, because what the version extends
    has changed since (`hash` is then another than the one asked for, and renders as that did); the copy was
    `removed`, so that the packaged one counts again. `set_aside`: the hash under which the copy that counted
    before is kept, empty if there was none.
    """

    name: str
    wanted: str
    hash: str
    way: Way
    path: Path
    set_aside: str = ""


def counting(workspace: Core, name: str) -> Version:
    """Return the version that counts now. Raises InputError if it cannot be used."""
    workspace.prompts.get(name)
    return version_in(workspace.prompts, name)


def packaged(name: str) -> Version:
    """Return the packaged version."""
    return version_in(PromptLibrary(), name)


def version_in(prompts: PromptLibrary, name: str) -> Version:
    """Return the version that a library has."""
    files = prompts.files(name)
    return Version(name, hash_of(files), files)


def with_version(workspace: Core, version: Version) -> Core:
    """Return this workspace with another version of one template; it shares the index and the opened models."""
    return workspace.with_prompts(OtherVersion(workspace.prompts, version.name, version.files))


def find(workspace: Core, given: str, name: str | None = None) -> Version:
    """Return the version, of one template if it is named, whose hash begins so; `packaged` needs the name.

    Raises NotFoundError if there is none, InputError if there are several.
    """
    if name is not None:
        workspace.prompts.check_name(name)
    if given == PACKAGED and name is not None:
        return packaged(name)
    if not given.strip():
        raise InputError(f"{given!r} is no hash; taxonaut prompts log shows them")
    found: dict[str, Version] = {}
    for kept in Templates(workspace.database).beginning(given):
        if name in (None, kept.name):
            found[kept.hash] = Version(kept.name, kept.hash, {kept.name + SUFFIX: kept.text})
    for each in [name] if name is not None else workspace.prompts.names():
        version = packaged(each)
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
    return completed(workspace, next(iter(found.values())))


def completed(workspace: Core, version: Version) -> Version:
    """Return a version with all files behind it; one that an older taxonaut kept has its own only."""
    if hash_of(version.files) == version.hash:
        return version
    files = Templates(workspace.database).files(version.hash)
    if not files:
        files = KeptVersion(version.files, workspace.prompts).files(version.name)
    if hash_of(files) != version.hash:
        raise InputError(
            f"of the version {version.hash} of {version.name} only its own file was kept, and what it extends has "
            "changed since; name another version"
        )
    return Version(version.name, version.hash, files)


def restore(workspace: Core, given: str) -> Restored:
    """Make a version the one that counts. The copy that counted before is kept first, so nothing is lost."""
    version = find(workspace, given)
    name = version.name
    path = workspace.folder / "prompts" / (name + SUFFIX)
    aside = set_aside(workspace, name, path)
    now = PromptLibrary(workspace.prompts.folder)
    if aside == version.hash or (not aside and now.hash(name) == version.hash):
        return Restored(name, version.hash, version.hash, "already", path)
    if version.hash == packaged(name).hash and not overlaid(workspace, version):
        path.unlink(missing_ok=True)
        return Restored(name, version.hash, version.hash, "removed", path, aside)
    if stands(now, version):
        write(path, version.text)
        return Restored(name, version.hash, version.hash, "written", path, aside)
    write(path, written_out(version))
    return Restored(name, version.hash, workspace.keep_templates([name])[name], "whole", path, aside)


def overlaid(workspace: Core, version: Version) -> bool:
    """Whether what the packaged template includes is another file in this workspace."""
    folder = workspace.folder / "prompts"
    return any((folder / file).is_file() for file in version.files if file != version.name + SUFFIX)


def set_aside(workspace: Core, name: str, path: Path) -> str:
    """Keep the workspace's copy, if there is one, and return its hash; one that is not valid by its text alone."""
    if not path.is_file():
        return ""
    try:
        return workspace.keep_templates([name])[name]
    except InputError:
        files = {name + SUFFIX: path.read_text(encoding="utf-8", errors="replace")}
        Templates(workspace.database).keep(hash_of(files), name, files[name + SUFFIX], files)
        return hash_of(files)


def stands(prompts: PromptLibrary, version: Version) -> bool:
    """Whether a version's own file, in its place, would be that version: all that it extends is as it was."""
    own = {version.name + SUFFIX: version.text}
    try:
        return hash_of(KeptVersion(own, prompts).files(version.name)) == version.hash
    except InputError:
        return len(version.files) == 1


def written_out(version: Version) -> str:
    """Write a version with all that it extends, as one template."""
    try:
        return whole(KeptVersion(version.files), version.name)
    except InputError as error:
        raise InputError(
            f"what the version {version.hash} of {version.name} extends has changed since, and it cannot be written "
            f"as a template of its own: {error}"
        ) from None


def write(path: Path, text: str) -> None:
    """Put a file in its place at once, whole."""
    beside = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise WorkspaceError(f"cannot write {str(path)!r}: {error.strerror}") from None
