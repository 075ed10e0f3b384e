"""Write docs/graphs.md: a picture of every graph.  python scripts/graph_pictures.py > docs/graphs.md"""

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

INTRODUCTION = """# Graphs

The graphs of `taxonaut.graphs`, each as `graph.compile().get_graph().draw_mermaid()` draws it. This page is written
by `python scripts/graph_pictures.py`; a test holds it to the graphs. Each is built by a function whose arguments are
the agents, the policy and what it reads; docs/program.md shows how to run, stream and change them.

Every step is one super-step for a whole batch. What a graph tells on its way are the updates named under it
(`taxonaut.state.updates`).
"""


class Picture(NamedTuple):
    """A graph: the function that builds it, with stand-ins for what it would work with, and what it tells."""

    builder: Callable[..., Any]
    arguments: dict[str, Any]
    updates: tuple[str, ...]


def pictures() -> Iterator[Picture]:
    """Yield the graphs. None of their agents is asked, so that nothing may stand for each."""
    from taxonaut import (
        assign_vocabulary,
        build_index,
        build_vocabulary,
        categorize,
        converse,
        insert_labels,
        navigate,
    )
    from taxonaut.graphs.distribute import distribute
    from taxonaut.graphs.learn import learn

    somebody = object()
    walk = ("LevelStarted", "NodeOpened")
    build = ("Progress", "PartitionStarted", "CentresProposed")
    talk = ("Understood", "Token", "ToolStarted", "Progress", "ToolFinished")
    changes = ("ChangeProposed", "ChangeMade", "ChangeDeclined", "Answered")
    expert = {"expert": somebody, "retriever": somebody}
    yield Picture(navigate, expert, (*walk, "ItemFinished"))
    yield Picture(categorize, {}, ("ItemFinished",))
    yield Picture(build_index, {}, (*build, "SplitRefused", "NodeSplit"))
    yield Picture(insert_labels, {}, (*walk, "Progress", "LabelPlaced"))
    yield Picture(build_vocabulary, {}, (*build, "RoundFinished", "ChangesReviewed", "NodeSplit"))
    yield Picture(assign_vocabulary, {}, (*walk, "ItemTagged"))
    yield Picture(learn, {}, ("Progress",))
    yield Picture(distribute, {}, ())
    yield Picture(converse, {}, (*talk, *changes))


def build_picture(picture: Picture) -> Any:
    """Return the graph of a picture, uncompiled."""
    needed = [
        name
        for name, each in inspect.signature(picture.builder).parameters.items()
        if each.default is inspect.Parameter.empty
    ]
    return picture.builder(**{**dict.fromkeys(needed), **picture.arguments})


def drawn(picture: Picture) -> str:
    """Return a graph's section of the page."""
    builder = picture.builder
    mermaid = build_picture(picture).compile().get_graph().draw_mermaid().strip()
    module = inspect.getmodule(builder)
    said = (module.__doc__ or "" if module else "").partition("\n\n")[0].strip().replace("\n", " ")
    told = ", ".join(f"`{name}`" for name in picture.updates) or "nothing"
    signature = ", ".join(inspect.signature(builder).parameters)
    return (
        f"## {builder.__name__}\n\n{said}\n\n`{builder.__name__}({signature})`\n\n"
        f"```mermaid\n{mermaid}\n```\n\nTells: {told}.\n"
    )


def page() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *map(drawn, pictures())])


if __name__ == "__main__":
    sys.stdout.write(page())
