"""Rules about variables: what a template uses and is not given, what it is given and does not use any more."""

from collections.abc import Iterator
from difflib import get_close_matches

from taxonaut.prompts.library import BLOCKS
from taxonaut.state.errors import TemplateError
from taxonaut.workspace.prompt_subject import ITEM_ONLY, Finding, Subject, given


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
