"""The first two lines of a conversation: where one is, and what may be tried."""

from typing import TYPE_CHECKING

from taxonaut.cli.terminal import clipped, counted

if TYPE_CHECKING:
    from taxonaut.state.index import Index
    from taxonaut.workspace.workspace import Workspace

LONGEST = 32
GAP = "   "


def check_talkable(workspace: "Workspace") -> None:
    """Refuse to talk about nothing: InputError says what to do first."""
    from taxonaut.state.errors import InputError

    stats = workspace.index.stats()
    if not stats.labels and not stats.nodes:
        raise InputError(
            f"{str(workspace.folder)!r} has no labels yet; import some: taxonaut labels import FILE"
        )
    if not stats.nodes:
        raise InputError(
            f"the {counted(stats.labels, 'label')} of {str(workspace.folder)!r} stand in no tree yet; "
            "build one with: taxonaut index build"
        )


def banner(workspace: "Workspace", width: int = 100) -> tuple[str, str]:
    """Return the two lines; as many examples as fit."""
    stats = workspace.index.stats()
    name = workspace.folder.resolve().name or str(workspace.folder)
    size = f"{counted(stats.labels, 'label')}, {counted(stats.nodes, 'node')}"
    model = workspace.config.models.assistant.model
    tried = ["/help", *examples(workspace.index)]
    while len(tried) > 1 and len(GAP.join(["try:", *tried])) >= width:
        tried.pop()
    return f"{name}: {size}; {model}", GAP.join(["try:", *tried])


def examples(index: "Index") -> list[str]:
    """Return three things to say, in this tree's own names."""
    tops = index.children(index.root())
    top = next((node for node in tops if index.children(node.id)), next(iter(tops), None))
    if top is None:
        return []
    below = next(iter(index.children(top.id)), top)
    labels = index.labels_at(below.id) or index.labels_at(top.id) or index.search(below.name, 1)
    said = clipped((labels[-1] if labels else below).name, LONGEST)
    return [f'where would "{said.lower()}" go?', f"what is under {clipped(below.name, LONGEST)}?"]
