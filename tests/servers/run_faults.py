"""Disturb every flow until so many faults were sent, then let the server be healthy: nothing lost, wrong or wedged.

    python tests/servers/run_faults.py --faults 10000 --seed 7

Each round has its own items and labels. It runs each flow twice: undisturbed, and in another workspace against a
server that answers a share of the requests with faults (`fault_server.py`), repeated as a user would, at last with a
healthy server. Then the two results are compared. Counted are items or labels that are missing (lost) or differ
(wrong), and flows that fail with a healthy server or end in anything but an error of ours (wedged).
"""

import argparse
import asyncio
import collections
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from fault_server import FaultServer

from taxonaut.models.llm.chat import LiteLLMChatModel
from taxonaut.state.errors import TaxonautError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label, ToolSpec
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

KINDS = ("fox", "oak", "bee", "cod", "elm")
DISTURBED_RUNS = 12
"""Times a flow is repeated against the disturbed server before it is healthy."""

Result = Mapping[str, Any]
"""What a flow made, by item or label; None for what failed."""


@dataclass
class Counts:
    """What was found."""

    faults: collections.Counter[str] = field(default_factory=collections.Counter)
    flows: int = 0
    results: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    wedged: list[str] = field(default_factory=list)

    @property
    def found(self) -> int:
        return len(self.lost) + len(self.wrong) + len(self.wedged)


def labels(seed: str, number: int = 6) -> list[Label]:
    return [
        Label(LabelId(f"{kind}{at}"), f"{kind} {kind}{at} {kind}{at % 3}{seed}")
        for kind in KINDS
        for at in range(number)
    ]


def items(seed: str, number: int = 20) -> list[Item]:
    return [
        Item(ItemId(f"i-{kind}{at}"), f"{kind} {kind}{at % 3}{seed} {kind}{at} b{seed}")
        for kind in KINDS
        for at in range(number)
    ]


def classify(workspace: Workspace, seed: str) -> Result:
    found = workspace.classify(items(seed))
    return {each.item_id: None if each.error else tuple(p.label_id for p in each.labels) for each in found}


def build(workspace: Workspace, seed: str) -> Result:
    tree = workspace.build_index(method="agents", centres=4, terminal_size=8)
    return placed(tree.placements)


def placed(placements: Any) -> Result:
    """Return in how many nodes each label is."""
    return dict(collections.Counter(str(label) for _, label in placements))


def add(workspace: Workspace, seed: str) -> Result:
    new = [Label(LabelId(f"new-{kind}"), f"{kind} {kind}n{seed}") for kind in KINDS]
    if not {label.id for label in new} <= set(workspace.index.label_ids()):
        workspace.add_labels(new)
    waiting = {
        str(label.id): None for label in new
    }  # a label whose request failed is left out until it is added
    found = workspace.index.paths_of(workspace.index.label_ids())
    return waiting | {each: len(paths) for each, paths in found.items()}


def vocabulary(workspace: Workspace, seed: str) -> Result:
    workspace.build_vocabulary(items(seed, 10))
    found = workspace.assign_vocabulary(items(seed, 10))
    return {each.item_id: None if each.error else each.path for each in found}


def categorize(workspace: Workspace, seed: str) -> Result:
    found = workspace.categorize(items(seed), everything=True)
    return {each.item_id: None if each.error else each.label_id for each in found}


FIND = ToolSpec(
    "find", "Find.", {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]}
)


def turns(workspace: Workspace, seed: str) -> Result:
    """Ask for eight turns of a conversation; what a turn says is checked, not compared."""
    model = LiteLLMChatModel(workspace.config.models.assistant)

    async def turn(at: int) -> object:
        messages = [{"role": "user", "content": f"find fox {seed} {at}"}]
        try:
            reply = await model.reply(messages, [FIND], lambda _: None)
        except TaxonautError:
            return None
        repr(reply).encode()
        return True if reply.calls or reply.text else None

    async def every() -> list[object]:
        return await asyncio.gather(*map(turn, range(8)))

    return {str(at): found for at, found in enumerate(asyncio.run(every()))}


FLOWS: dict[str, Callable[[Workspace, str], Result]] = {
    "classify": classify,
    "index build": build,
    "labels add": add,
    "vocabulary": vocabulary,
    "categorize": categorize,
    "conversation": turns,
}


def settings(url: str) -> dict[str, Any]:
    """Return the settings of a workspace at a server: quick to give up, so that many faults come through."""
    role = {"api_base": url, "backoff_s": 0, "timeout_s": 3, "deadline_s": 30, "attempts": 2, "repairs": 1}
    role |= {"max_reply_mb": 1.0, "model": "hosted_vllm/test"}
    names = ("navigator", "general_expert", "architect", "annotator", "assistant")
    return {
        "models": dict.fromkeys(names, role),
        "embeddings": {**role, "model": "hosted_vllm/words"},
        "walk": {"batch": 10},
        "vocabulary": {"categories": 5, "split_threshold": 12, "depth": 2},
    }


def prepare(flow: str, folder: Path, url: str, seed: str) -> None:
    """Make the workspace of a flow, undisturbed."""
    Workspace.init(folder).close()
    with Workspace.open(folder, **settings(url)) as workspace:
        if flow in ("classify", "index build", "labels add", "categorize"):
            workspace.index.add_labels(labels(seed))
        if flow in ("classify", "categorize"):
            workspace.build_index(method="kmeans")
        if flow == "labels add":
            workspace.build_index(method="agents", centres=4, terminal_size=8)
        if flow == "categorize":
            texts = [
                (label, f"{label.name} {word}") for label in labels(seed) for word in ("one", "two", "three")
            ]
            workspace.train_expert(
                [ItemRow(Item(ItemId(str(at)), text), (label.id,)) for at, (label, text) in enumerate(texts)]
            )


def round_of(flow: str, folder: Path, server: FaultServer, seed: str, counts: Counts) -> None:
    """Run a flow undisturbed and disturbed, and compare."""
    made: dict[str, Result] = {}
    for name in ("quiet", "disturbed"):
        server.healthy = True
        path = folder / f"{flow} {name}".replace(" ", "-")
        prepare(flow, path, server.url, seed)
        for at in range(DISTURBED_RUNS + 2 if name == "disturbed" else 1):
            server.healthy = name == "quiet" or at >= DISTURBED_RUNS
            try:
                with Workspace.open(path, **settings(server.url)) as workspace:
                    made[name] = FLOWS[flow](workspace, seed)
            except TaxonautError as error:
                if server.healthy:
                    counts.wedged.append(f"{flow} {seed}: {error}")
                    return
            except Exception as error:  # noqa: BLE001
                counts.wedged.append(
                    f"{flow} {seed}: {type(error).__name__}: {error}\n{traceback.format_exc()}"
                )
                return
            else:
                if name == "disturbed" and not server.healthy and None not in made[name].values():
                    break  # nothing is left to be asked
    compare(flow, seed, made["quiet"], made["disturbed"], counts)


def compare(flow: str, seed: str, wanted: Result, found: Result, counts: Counts) -> None:
    """Count what is missing, and what differs."""
    counts.flows += 1
    counts.results += len(wanted)
    for key, value in wanted.items():
        if key not in found:
            counts.lost.append(f"{flow} {seed}: {key}")
        elif found[key] is None:
            counts.wedged.append(f"{flow} {seed}: {key} failed with a healthy server")
        elif found[key] != value and flow not in MAY_DIFFER:
            counts.wrong.append(f"{flow} {seed}: {key} is {found[key]!r}, undisturbed {value!r}")
    if len(found) != len(wanted) and flow not in MAY_DIFFER:
        counts.wrong.append(f"{flow} {seed}: {len(found)} results, undisturbed {len(wanted)}")


MAY_DIFFER = {"index build", "labels add", "vocabulary"}
"""Flows in which another proposal takes the place of one that failed: nothing may be lost or failed."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--flows", nargs="*", choices=list(FLOWS), default=list(FLOWS))
    parser.add_argument("--minutes", type=float, default=240)
    options = parser.parse_args()
    os.environ["TAXONAUT_TRUST"] = "1"
    counts, started = (
        run(options.flows, options.faults, options.seed, options.rate, options.minutes),
        time.time(),
    )
    report(counts, time.time() - started)
    return 1 if counts.found else 0


def run(flows: list[str], faults: int, seed: int, rate: float, minutes: float = 240) -> Counts:
    """Run rounds until so many faults were sent."""
    counts, started, number = Counts(), time.time(), 0
    with FaultServer(rate=rate, seed=seed, slow=False) as server:
        while server.injected.total() < faults and time.time() - started < 60 * minutes:
            for flow in flows:
                before = [len(counts.lost), len(counts.wrong), len(counts.wedged)]
                with tempfile.TemporaryDirectory() as folder:
                    round_of(flow, Path(folder), server, f"{seed}x{number}", counts)
                for found, seen in zip((counts.lost, counts.wrong, counts.wedged), before, strict=True):
                    sys.stderr.writelines(f"  {each}\n" for each in found[seen:])
            number += 1
            sys.stderr.write(f"round {number}: {server.injected.total():,} faults, {counts.found} found\n")
        counts.faults = server.injected
    return counts


def report(counts: Counts, seconds: float) -> None:
    """Print what was found."""
    kinds, faults = len(counts.faults), counts.faults.total()
    lines = [
        f"{faults:,} faults of {kinds} kinds in {seconds:.0f} s, {counts.flows} flows, {counts.results:,} results"
    ]
    for name in ("lost", "wrong", "wedged"):
        found = getattr(counts, name)
        lines += [f"{name}: {len(found)}", *(f"  {each}" for each in found[:10])]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
