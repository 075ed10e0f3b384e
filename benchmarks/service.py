"""The service with many clients at once, next to classify on a file and to a job; and over a tree of a million nodes.

    python benchmarks/service.py load [--seconds 60] [--clients 50]
    python benchmarks/service.py million [--nodes 1000000]

`load` labels the texts of a file with `classify`, then lets the clients send the same texts to a service in another
process, one at a time each; throughput is compared by the clock and by CPU time, as other work may run here.
Then the tree is read while a job labels 10,000 texts. `million` makes a tree in which each node is a label.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

import common
from taxonaut.server.service_file import ServiceAddress, find_service
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace

CHILDREN = 100
WORDS = 5_000


@contextmanager
def serving(folder: Path) -> Iterator[ServiceAddress]:
    """Serve a workspace in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "taxonaut", "serve", "-w", str(folder), "--port", "0"],
        stdout=subprocess.DEVNULL,
    )
    try:
        while (address := find_service(folder)) is None or address.pid != process.pid:
            if process.poll() is not None:
                raise SystemExit(f"the service ended with {process.returncode}")
            time.sleep(0.1)
        with httpx.Client(base_url=address.url, timeout=120) as client:
            client.get("/api/health").raise_for_status()
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> int:
    """Return the most memory that a process had."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM"))


def make_texts(folder: Path, count: int, seed: int) -> list[str]:
    """Make distinct texts of the words of the labels."""
    dice = random.Random(seed)
    with Workspace.open(folder) as workspace:
        names = [label.name for label in workspace.index.all_labels()]
    return [f"{dice.choice(names)} and {dice.choice(names)}, number {number}" for number in range(count)]


def classify_file(folder: Path, texts: Sequence[str]) -> tuple[float, float]:
    """Label texts of a file with the command; return seconds and CPU seconds of that without its start."""
    timed = []
    for some in (texts[:1], texts[1:]):
        file = folder.parent / "texts.jsonl"
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in some), encoding="utf-8")
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [
                sys.executable,
                "-m",
                "taxonaut",
                "-q",
                "-w",
                str(folder),
                "classify",
                str(file),
                "-o",
                "results.jsonl",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder.parent,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        timed.append((time.perf_counter() - started, cpu))
    (first, first_cpu), (rest, rest_cpu) = timed
    return rest - first, rest_cpu - first_cpu


async def ask_at_once(
    url: str, texts: Sequence[str], clients: int, seconds: float
) -> tuple[int, list[str], list[float]]:
    """Let clients send a text at a time; return how many were answered, what failed, and the seconds of each."""
    errors: list[str] = []
    times: list[float] = []
    end = time.perf_counter() + seconds
    waiting = iter(texts)

    async def client() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as session:
            while time.perf_counter() < end and (text := next(waiting, None)) is not None:
                started = time.perf_counter()
                try:
                    answer = await session.post("/api/suggest", json={"texts": [text]})
                    if answer.status_code != 200 or not answer.json()[0]["labels"]:
                        errors.append(answer.text[:200])
                except httpx.HTTPError as error:
                    errors.append(repr(error))
                times.append(time.perf_counter() - started)

    await asyncio.gather(*(client() for _ in range(clients)))
    return len(times), errors, times


def read_while_working(address: ServiceAddress, texts: Sequence[str]) -> tuple[list[float], int]:
    """Read the tree again and again while a job labels texts; return the seconds of each read, and texts labelled."""
    times = []
    with httpx.Client(
        base_url=address.url, headers={"Authorization": f"Bearer {address.token}"}, timeout=60
    ) as client:
        top = [
            each["node"]["id"]
            for each in client.get("/api/tree/1/children").json()["entries"]
            if each["node"]
        ]
        job = client.post("/api/jobs", json={"kind": "classify", "items": list(texts)}).json()["id"]
        while (record := client.get(f"/api/jobs/{job}").json())["state"] in ("waiting", "running"):
            for node in random.Random(1).sample(top, min(5, len(top))):
                started = time.perf_counter()
                client.get(f"/api/tree/{node}/children").raise_for_status()
                if record["done"]:
                    times.append(time.perf_counter() - started)
            time.sleep(0.05)
        if record["state"] != "finished":
            raise SystemExit(f"the job is {record['state']}: {record['error']}")
    return times, record["results"]


def load(options: argparse.Namespace) -> None:
    """Measure the service under load."""
    with tempfile.TemporaryDirectory(prefix="service-") as place:
        folder = Path(place) / "shop"
        with Workspace.init(folder) as workspace:
            workspace.import_labels(read_labels(options.data / "shopify" / "labels.jsonl"))
            workspace.embed_labels()
        texts = make_texts(folder, options.texts, 1)
        wall, cpu = classify_file(folder, texts)
        with serving(folder) as address:
            asyncio.run(ask_at_once(address.url, make_texts(folder, 200, 2), options.clients, 20))
            cpu_before, started = cpu_seconds(address.pid), time.perf_counter()
            fresh = make_texts(folder, 400 * int(options.seconds), 3)
            started = time.perf_counter()
            count, errors, times = asyncio.run(
                ask_at_once(address.url, fresh, options.clients, options.seconds)
            )
            served, served_cpu = time.perf_counter() - started, cpu_seconds(address.pid) - cpu_before
            reads, labelled = read_while_working(address, make_texts(folder, options.job, 4))
            memory = peak_mib(address.pid)
        file_rate, rate = (options.texts - 1) / wall, count / served
        cpu_share = cpu / (options.texts - 1) / (served_cpu / count)
        print(
            f"classify on a file: {file_rate:.0f} texts/s, {1000 * cpu / (options.texts - 1):.2f} ms of CPU a text"
        )
        print(
            f"{options.clients} clients for {served:.0f} s: {count:,} texts, {len(errors)} errors, "
            f"{rate:.0f} texts/s ({rate / file_rate:.2f} of the file's), "
            f"{1000 * served_cpu / count:.2f} ms of CPU a text ({cpu_share:.2f} of the file's rate), "
            f"median {1000 * statistics.median(times):.0f} ms"
        )
        print(
            f"tree reads while a job labels {labelled:,} texts: {len(reads)} reads, median "
            f"{1000 * statistics.median(reads):.1f} ms, 95 % below "
            f"{1000 * statistics.quantiles(reads, n=20)[-1]:.1f} ms"
        )
        print(f"most memory of the service: {memory} MiB")
        for error in errors[:3]:
            print(error)


def make_million(folder: Path, nodes: int) -> None:
    """Make a tree in which each node is a label, a hundred children a node."""
    dice = random.Random(1)
    words = ["".join(dice.choices("abcdefghijklmnoprstuvw", k=dice.randint(3, 10))) for _ in range(WORDS)]

    def name(number: int) -> str:
        return f"{' '.join(dice.choices(words, k=3))} {number}"

    labels = [
        Label(
            LabelId(f"c{number}"),
            name(number),
            " ".join(dice.choices(words, k=6)),
            alternatives=(name(number),) if number % 3 == 0 else (),
        )
        for number in range(1, nodes + 1)
    ]
    tree = Tree(
        "native",
        tuple(TreeNode(number, each.name, label_id=each.id) for number, each in enumerate(labels, start=1)),
        tuple(((number - 1) // CHILDREN, number) for number in range(1, nodes + 1)),
        tuple((number, each.id) for number, each in enumerate(labels, start=1)),
    )
    with Workspace.init(folder) as workspace:
        workspace.index.add_labels(labels)
        workspace.index.load_tree(tree)


def million(options: argparse.Namespace) -> None:
    """Measure reads and searches in a large tree, before and after a change."""
    with tempfile.TemporaryDirectory(prefix="service-") as place:
        folder = options.tree or Path(place) / "million"
        if not folder.exists():
            subprocess.run(
                [sys.executable, __file__, "make", "--tree", str(folder), "--nodes", str(options.nodes)],
                check=True,
            )
        with (
            serving(folder) as address,
            httpx.Client(
                base_url=address.url, headers={"Authorization": f"Bearer {address.token}"}, timeout=120
            ) as client,
        ):
            started = time.perf_counter()
            first = client.get("/api/tree/1/children").json()["entries"]
            print(f"first read after the start: {time.perf_counter() - started:.2f} s")
            time.sleep(options.settle)  # the words are read meanwhile
            below = [each["node"]["id"] for each in first]
            words = [each for one in first[:20] for each in one["node"]["name"].split()]
            queries = [
                *words[:20],
                *(each[:3] for each in words[:10]),
                *(" ".join(words[at : at + 2]) for at in range(10)),
                "c",
                "999",
            ]
            rename: dict[str, Any] = {
                "change": {"kind": "rename_label", "label": "c77", "name": "An unheard of name"}
            }
            for moment in ("", " after a change"):
                if moment:
                    client.post("/api/changes", json=rename).raise_for_status()
                print_times(
                    f"children{moment}", client, address.pid, [f"/api/tree/{node}/children" for node in below]
                )
                print_times(
                    f"search{moment}", client, address.pid, [f"/api/search?query={each}" for each in queries]
                )
            found = client.get("/api/search", params={"query": "unheard"}).json()
            print(
                f"most memory: {peak_mib(address.pid)} MiB; the renamed label is found: {found[0]['id'] == 'c77'}"
            )


def print_times(what: str, client: httpx.Client, pid: int, addresses: Sequence[str]) -> None:
    """Ask each address once and print how long that took."""
    times, before = [], cpu_seconds(pid)
    for address in addresses:
        started = time.perf_counter()
        client.get(address).raise_for_status()
        times.append(1000 * (time.perf_counter() - started))
    cpu = 1000 * (cpu_seconds(pid) - before) / len(times)
    print(
        f"{what}: {len(times)} requests, median {statistics.median(times):.0f} ms, "
        f"most {max(times):.0f} ms, CPU {cpu:.0f} ms each"
    )


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("part", choices=("load", "million", "make"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--texts", type=int, default=5_000, help="texts of the file")
    parser.add_argument("--job", type=int, default=10_000, help="texts of the job")
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--tree", type=Path, help="a folder that keeps the large tree")
    parser.add_argument("--settle", type=float, default=30, help="seconds for the words to be read")


if __name__ == "__main__":
    given = common.arguments(__doc__, add)
    if given.part == "make":
        make_million(given.tree, given.nodes)
    else:
        (load if given.part == "load" else million)(given)
