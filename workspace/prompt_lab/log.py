"""Every version of a template that ever ran here: when, on how much, at what cost, and how good it was."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import InputError
from taxonaut.state.stores.prompt_trials import FirstRight, Trial, Trials, Use
from taxonaut.state.stores.prompt_versions import Templates
from taxonaut.workspace.core.core import Core

FIRST = "P@1"


@dataclass(frozen=True, slots=True)
class Measured:
    """The share of items whose first label is right, of `items` whose labels are known: in a trial, or a run."""

    first_right: float
    items: int
    source: Literal["trial", "run"]


@dataclass(frozen=True, slots=True)
class LoggedVersion:
    """One version. `use` is None if it never ran; `kept` is when its text was first kept, empty if it is not."""

    template: str
    hash: str
    counts: bool
    is_packaged: bool
    kept: str
    use: Use | None
    measured: Measured | None

    @property
    def last(self) -> str:
        """When it last ran, else when it was kept."""
        return self.use.last if self.use is not None else self.kept


def template_log(workspace: Core, name: str | None = None) -> list[LoggedVersion]:
    """Return the versions, of one template if it is named, the one that ran last first.

    With a name also those that never ran: the packaged one, the copy, and what was set aside. Without one a
    version that never ran is left out, unless it is a copy in this workspace.
    """
    prompts = workspace.prompts
    if name is not None:
        prompts.check_name(name)
    names = [name] if name is not None else prompts.names()
    trials = Trials(workspace.database)
    uses, rights = trials.uses(name), trials.first_right(name)
    measured = best(trials.of(name), rights)
    kept = {
        (version.name, version.hash): version.kept for version in Templates(workspace.database).beginning("")
    }
    shipped = {each: PromptLibrary().hash(each) for each in names}
    counting = {each: hash_now(prompts, each) for each in names}
    found: dict[tuple[str, str], None] = dict.fromkeys(key for key in uses if key[0] in names)
    if name is not None:
        found |= dict.fromkeys(key for key in kept if key[0] == name)
        found[name, shipped[name]] = None
    found |= {
        (each, hash_): None for each, hash_ in counting.items() if hash_ and counts_as_own(prompts, each)
    }
    rows = [
        LoggedVersion(
            template=key[0],
            hash=key[1],
            counts=counting[key[0]] == key[1],
            is_packaged=shipped[key[0]] == key[1],
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


def counts_as_own(prompts: PromptLibrary, name: str) -> bool:
    """Whether the copy that counts is the workspace's."""
    return prompts.where(name) == "workspace"


def hash_now(prompts: PromptLibrary, name: str) -> str:
    """The hash of the version that counts; empty where that cannot be used."""
    try:
        return prompts.hash(name)
    except InputError:
        return ""


def best(
    trials: Iterable[Trial], rights: dict[tuple[str, str], FirstRight]
) -> dict[tuple[str, str], Measured]:
    """Return each version's measurement on most items; of equal ones that of the newest trial."""
    found = {key: Measured(right.share, right.items, "run") for key, right in rights.items()}
    for trial in reversed(list(trials)):
        for side, hash_ in (("before", trial.before), ("after", trial.after)):
            quality = trial.report.get(side, {}).get("quality", {}).get(FIRST)
            items = int(trial.report.get("with_gold", 0))
            former = found.get((trial.template, hash_))
            if quality is not None and (former is None or items >= former.items):
                found[trial.template, hash_] = Measured(float(quality["value"]), items, "trial")
    return found
