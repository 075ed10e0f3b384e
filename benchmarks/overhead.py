"""What a decision costs beyond its HTTP request: wall time next to a bare httpx loop, CPU time by layer.

    python benchmarks/overhead.py [--requests 1000] [--in-flight 64] [--delay 0.5] [--rounds 2]

A local server answers every request after `--delay` seconds. Half of the decisions are a navigator's, half a
general expert's, as `workspace.classify` makes them; the bare loop posts the same bodies. Every layer is run
once in each round, the rounds alternately forwards and backwards, so that a machine that slows down slows
all of them. The wall time of a layer is its best round, CPU time (all threads) its mean.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SERVER = Path(__file__).parents[1] / "tests" / "servers" / "openai_server.py"
BRANCHES, LABELS = 8, 4
TARGET = 1.25

Layer = Callable[["Load", Path], Awaitable[None]]


@dataclass
class Load:
    """What every layer has to get through: the same requests, at most `in_flight` at once."""

    url: str
    in_flight: int
    texts: list[str]
    requests: list[Any] = field(default_factory=list)

    def settings(self) -> Any:
        from taxonaut.models.settings import ModelSettings

        return ModelSettings(model="hosted_vllm/test", api_base=self.url, concurrency=self.in_flight)

    async def each(self, send: Callable[[Any], Awaitable[object]], jobs: Sequence[Any]) -> None:
        """Send all jobs, at most `in_flight` at once."""
        free = asyncio.Semaphore(self.in_flight)

        async def one(job: Any) -> None:
            async with free:
                await send(job)

        await asyncio.gather(*(one(job) for job in jobs))


def body(load: Load, request: Any) -> dict[str, Any]:
    """The JSON that a request becomes on the wire."""
    from taxonaut.models.llm.gateway import opening
    from taxonaut.models.llm.pydantic_model import messages_json, tool_definition, tool_json

    settings = load.settings()
    return {
        "model": "test",
        "messages": messages_json([opening(request)]),
        "tools": [tool_json(tool_definition(request.tool))],
        "tool_choice": settings.tool_choice,
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
        "seed": settings.seed,
    }


async def bare_httpx(load: Load, _: Path) -> None:
    """Post the bodies with httpx and read the answers as JSON."""
    import httpx

    limits = httpx.Limits(max_connections=load.in_flight, max_keepalive_connections=load.in_flight)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def post(body: dict[str, Any]) -> None:
            answer = await client.post(load.url + "/chat/completions", json=body)
            answer.raise_for_status()
            answer.json()

        await load.each(post, [body(load, request) for request in load.requests])


async def bare_aiohttp(load: Load, _: Path) -> None:
    """Do the same with aiohttp, whose pool of connections costs less where many are open."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=load.in_flight)
    async with aiohttp.ClientSession(connector=connector) as client:

        async def post(body: dict[str, Any]) -> None:
            async with client.post(load.url + "/chat/completions", json=body) as answer:
                answer.raise_for_status()
                await answer.json()

        await load.each(post, [body(load, request) for request in load.requests])


async def litellm_client(load: Load, _: Path) -> None:
    """Send the same messages through LiteLLM."""
    from taxonaut.models.llm import client

    settings = load.settings()

    async def complete(body: dict[str, Any]) -> None:
        await client.complete(settings, body["messages"], body["tools"], {})

    async with client.session():
        await load.each(complete, [body(load, request) for request in load.requests])


async def pydantic_request(load: Load, _: Path) -> None:
    """Send them as single requests of the pydantic-ai model."""
    from pydantic_ai.models import ModelRequestParameters

    from taxonaut.models.llm import client
    from taxonaut.models.llm.gateway import opening
    from taxonaut.models.llm.pydantic_model import LiteLLMModel, tool_definition

    model = LiteLLMModel(load.settings())

    async def request(each: Any) -> None:
        parameters = ModelRequestParameters(
            function_tools=[tool_definition(each.tool)], allow_text_output=False
        )
        await model.request([opening(each)], None, parameters)

    async with client.session():
        await load.each(request, load.requests)


async def pydantic_agent(load: Load, _: Path) -> None:
    """Send them as runs of a pydantic-ai agent, which decisions do not use."""
    from pydantic_ai import Agent, StructuredDict, ToolOutput

    from taxonaut.models.llm import client
    from taxonaut.models.llm.pydantic_model import LiteLLMModel

    model = LiteLLMModel(load.settings())
    agent = Agent(model)

    async def run(each: Any) -> None:
        output = ToolOutput(StructuredDict(dict(each.tool.parameters)), name=each.tool.name)
        await agent.run(each.item, instructions=each.system + each.context, output_type=output)

    async with client.session():
        await load.each(run, load.requests)


async def gateway(load: Load, folder: Path) -> None:
    """Send them through the gateway, every reply kept in a DuckDB file before it counts."""
    from taxonaut.models.llm.gateway import Gateway
    from taxonaut.models.llm.reply_store import KeptReplies
    from taxonaut.state.db.connection import Database
    from taxonaut.state.stores.reply_cache import ResponseCache

    with Database.open(folder / "replies.duckdb") as database:
        replies = await Gateway(load.settings(), KeptReplies(ResponseCache(database))).answer(load.requests)
        check(len(replies), [reply for reply in replies if isinstance(reply, Exception)])


async def workspace(load: Load, folder: Path) -> None:
    """Classify the texts: graph, agents, templates, tools, decision rows and results."""
    from taxonaut import Workspace

    role = load.settings().model_dump(exclude_defaults=True)
    models = {"navigator": role, "general_expert": role}
    walk = {"shortlist": "tree", "candidates": 0}
    with Workspace.open(folder / "workspace", models=models, walk=walk) as opened:
        results = await opened.aclassify(load.texts)
        check(len(results), [result.error for result in results if result.error])


def check(answered: int, errors: Sequence[object]) -> None:
    """Stop if a request failed: the times would mean nothing."""
    if errors or not answered:
        raise SystemExit(f"{len(errors)} of {answered} failed, the first: {errors[:1]}")


def make_workspace(folder: Path) -> None:
    """Make the workspace that `workspace` opens, before the clock starts."""
    from taxonaut import Workspace

    with Workspace.init(folder / "workspace") as made:
        fill(made)


def fill(made: Any) -> None:
    """Put a tree of two levels into a workspace."""
    from taxonaut.state.records import Label, Tree, TreeNode

    places = range(1, BRANCHES + 1)
    labels = [(node, f"label {node}.{number}") for node in places for number in range(LABELS)]
    made.index.add_labels([Label(name, name) for _, name in labels])  # type: ignore[arg-type]
    nodes = tuple(TreeNode(node, f"branch {node}", "what belongs under it") for node in places)
    edges = tuple((0, node) for node in places)
    made.index.load_tree(Tree("drawn", nodes, edges, tuple(labels)))  # type: ignore[arg-type]


async def collect_requests(texts: Sequence[str]) -> list[Any]:
    """Walk the texts with a scripted model and return what it was asked."""
    from taxonaut.agents.general_expert import GeneralExpert
    from taxonaut.agents.navigator import Navigator
    from taxonaut.graphs.navigate import WalkPolicy, navigate
    from taxonaut.models.scripted import ScriptedModel
    from taxonaut.prompts.library import PromptLibrary
    from taxonaut.state.db.connection import Database
    from taxonaut.state.index.index import Index
    from taxonaut.state.records import as_item

    model, prompts = ScriptedModel(rule=lambda _: [1]), PromptLibrary()
    with Database.in_memory() as database:
        made = type("Made", (), {"index": Index(database)})
        fill(made)
        graph = navigate(
            made.index,
            Navigator(model, prompts),
            GeneralExpert(model, prompts),
            policy=WalkPolicy(shortlist="tree"),
        )
        await graph.compile().ainvoke({"items": list(map(as_item, texts))})
    return model.history


LAYERS: dict[str, Layer] = {
    "httpx alone": bare_httpx,
    "aiohttp alone": bare_aiohttp,
    "LiteLLM": litellm_client,
    "+ pydantic-ai request": pydantic_request,
    "+ gateway, kept replies": gateway,
    "+ agents, graph, workspace": workspace,
    "(pydantic-ai agent loop)": pydantic_agent,
}


@dataclass
class Times:
    """One layer's runs."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def measure(load: Load, rounds: int) -> dict[str, Times]:
    """Run every layer `rounds` times, forwards and backwards in turn."""
    found = {name: Times() for name in LAYERS}
    for number in range(rounds):
        for name in list(LAYERS)[:: 1 if number % 2 == 0 else -1]:
            wall, cpu = timed(LAYERS[name], load)
            found[name].wall.append(wall)
            found[name].cpu.append(cpu)
            sys.stderr.write(f"  {name}: {wall:.2f} s\n")
    return found


def timed(layer: Layer, load: Load) -> tuple[float, float]:
    """Return one run's wall and CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        make_workspace(Path(folder))
        wall, cpu = time.perf_counter(), time.process_time()
        asyncio.run(layer(load, Path(folder)))
        return time.perf_counter() - wall, time.process_time() - cpu


def report(found: dict[str, Times], load: Load, delay: float) -> None:
    """Print the table; each layer of ours is compared with the one above it, LiteLLM with aiohttp."""
    least = -(-len(load.requests) // load.in_flight) * delay
    print(f"{len(load.requests):,} decisions, {load.in_flight} in flight, answers after {delay * 1000:g} ms")
    print(f"(no loop can take less than {least:.2f} s)\n")
    print(f"{'layer':28}{'wall s':>8}{'x httpx':>9}{'x aiohttp':>11}{'CPU ms a decision':>20}{'added':>8}")
    httpx, aiohttp = (min(found[name].wall) for name in ("httpx alone", "aiohttp alone"))
    before = 0.0
    for name, times in found.items():
        wall, cpu = min(times.wall), 1000 * statistics.mean(times.cpu) / len(load.requests)
        added = "" if "alone" in name or name.startswith("(") else f"{cpu - before:+.2f}"
        print(f"{name:28}{wall:8.2f}{wall / httpx:9.2f}{wall / aiohttp:11.2f}{cpu:20.2f}{added:>8}")
        before = cpu
    ratio = min(found["+ agents, graph, workspace"].wall) / httpx
    print(f"\nfull path / bare httpx: {ratio:.2f} (target: at most {TARGET})")


@contextmanager
def running_server(delay: float) -> Any:
    """Run the local server; gives its URL."""
    command = [sys.executable, str(SERVER), "--delay", str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000, help="decisions (default 1000)")
    parser.add_argument("--in-flight", type=int, default=64, help="most at once (default 64)")
    parser.add_argument("--delay", type=float, default=0.5, help="seconds to each answer (default 0.5)")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each layer (default 2)")
    options = parser.parse_args()
    texts = [f"text number {number} to label" for number in range(options.requests // 2)]
    requests = asyncio.run(collect_requests(texts))
    with running_server(0.0) as url:
        measure(Load(url, 8, texts[:8], requests[:8]), 1)
    with running_server(options.delay) as url:
        load = Load(url, options.in_flight, texts, requests)
        report(measure(load, options.rounds), load, options.delay)


if __name__ == "__main__":
    main()
