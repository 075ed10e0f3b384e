"""The page of a tree of a million labels in Chromium: the first page, opening a node, a search, a label's card.

    python benchmarks/tree_page.py

The tree has 100 nodes of 100 nodes each, the first of which has 5,000 labels; it is made with the bulk load.
`taxonaut serve` is started anew, so the very first page is that of a service that has read nothing yet. Times are
from the click, or the request of the address, to the frame that shows the rows; medians of several.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from selenium import webdriver

from common import print_table
from taxonaut.state.ids import LabelId
from taxonaut.state.records import NATIVE, Label, Tree, TreeNode
from taxonaut.workspace.workspace import Workspace

OPEN = """
const [line, done] = [arguments[0], arguments[1]], item = document.querySelectorAll('#tree .item')[line];
const level = Number(item.getAttribute('aria-level')), started = performance.now();
const below = () => [...document.querySelectorAll('#tree .item:not(.unread)')].some((each) => each.ariaLevel > level);
const look = () => requestAnimationFrame(below() ? () => done(performance.now() - started) : look);
item.querySelector('.twisty').click();
look();
"""
SEARCH = """
const [words, done] = [arguments[0], arguments[1]], field = document.querySelector('[data-search]');
const started = performance.now(), there = () => document.querySelector('#search .found li');
const look = () => requestAnimationFrame(there() ? () => done(performance.now() - started) : look);
field.focus();
field.value = words;
field.dispatchEvent(new Event('input'));
look();
"""
CARD = """
const done = arguments[0], started = performance.now(), there = () => document.querySelector('.card-name');
const look = () => requestAnimationFrame(there() ? () => done(performance.now() - started) : look);
document.querySelectorAll('#tree .item')[2].click();
look();
"""


def read_options() -> argparse.Namespace:
    """Read this benchmark's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=1_000_000)
    parser.add_argument("--port", type=int, default=8790)
    return parser.parse_args()


def make_tree(count: int) -> tuple[list[Label], Tree]:
    """Return labels and their tree: what is left over after the nodes is divided among them."""
    labels = [Label(LabelId(f"l{number}"), f"Category {number} of {number % 977}") for number in range(count)]
    ids = iter(label.id for label in labels)
    nodes: list[TreeNode] = []
    edges: list[tuple[int, int]] = []
    placements: list[tuple[int, LabelId]] = []

    def node(parent: int) -> int:
        label, key = next(ids), len(nodes) + 1
        nodes.append(TreeNode(key, f"Group {key}", label_id=label))
        edges.append((parent, key))
        placements.append((key, label))
        return key

    inner = [node(top) for top in [node(0) for _ in range(100)] for _ in range(100)]
    placements += [(inner[0], next(ids)) for _ in range(5_000)]
    placements += [(inner[1 + at % (len(inner) - 1)], label) for at, label in enumerate(ids)]
    return labels, Tree(NATIVE, tuple(nodes), tuple(edges), tuple(placements))


def open_browser() -> webdriver.Chrome:
    """Start Debian's Chromium without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for switch in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,800"):
        options.add_argument(switch)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def until_there(driver: webdriver.Chrome, address: str) -> float:
    """Open the tree and return the milliseconds until its rows are there."""
    started = time.perf_counter()
    driver.get(f"{address}/tree")
    while not driver.execute_script("return document.querySelector('#tree .rows.ready .item') !== null"):
        time.sleep(0.005)
    return 1_000 * (time.perf_counter() - started)


def measure(address: str) -> list[tuple[str, float]]:
    """Return what was done and its milliseconds."""
    driver: Any = open_browser()
    driver.get("about:blank")
    rows = [("first page of a service just started", until_there(driver, address))]
    rows.append(("first page", median(until_there(driver, address) for _ in range(5))))
    opened, large = [], []
    for _ in range(5):
        until_there(driver, address)
        opened.append(driver.execute_async_script(OPEN, 0))
        large.append(driver.execute_async_script(OPEN, 1))
    rows += [
        ("opening a node of 100 nodes", median(opened)),
        ("opening a node of 5,000 labels", median(large)),
    ]
    rows.append(("a label's card", driver.execute_async_script(CARD)))
    searches = []
    for words in ("category 777", "of 976", "l123456"):
        until_there(driver, address)
        searches.append(driver.execute_async_script(SEARCH, words))
    rows.append(("a search, from the last key, its pause of 120 ms included", median(searches)))
    driver.quit()
    return rows


def main() -> None:
    """Print the table."""
    options = read_options()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "million"
        with Workspace.init(folder) as workspace:
            labels, tree = make_tree(options.labels)
            workspace.index.add_labels(labels)
            workspace.index.load_tree(tree)
        command = [sys.executable, "-m", "taxonaut", "-w", str(folder), "serve", "--port", str(options.port)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
            assert service.stderr is not None
            service.stderr.readline()
            rows = measure(f"http://127.0.0.1:{options.port}")
            memory = Path(f"/proc/{service.pid}/status").read_text().partition("VmRSS:")[2].split()[0]
            service.terminate()
    print_table([("", "ms"), *((what, f"{took:,.0f}") for what, took in rows)])
    print(f"memory of the service: {int(memory) / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
