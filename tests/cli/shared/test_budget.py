"""`--budget`: commands that ask language models stop before they pass it, and go on with more."""

import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("embedder")

PRICES = ("--price-in", 1000, "--price-out", 1000)
"""A request to the local server costs 0.11: 100 tokens read, 10 written."""

TEXTS = "green tents\nred apples\nhiking in the hills\nyellow pears\nrunning in the rain\nboots\n"


@pytest.fixture
def folder(shop: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose models are at a local server, under a name that the price list has."""
    for role in ("NAVIGATOR", "GENERAL_EXPERT", "ARCHITECT", "ANNOTATOR", "ASSISTANT"):
        monkeypatch.setenv(f"TAXONAUT_MODELS__{role}__MODEL", "openai/gpt-4o-mini")
        monkeypatch.setenv(f"TAXONAUT_MODELS__{role}__API_BASE", server.url)
    (shop / "texts.txt").write_text(TEXTS)
    (shop / "new.txt").write_text("Walking boots\n")
    (shop / "test.csv").write_text("text,labels\ngreen tents,tents\nred apples,apples\nboots,boots\n")
    return shop


def test_a_budget_stops_and_the_same_command_goes_on(
    run: Any, folder: Path, server: Any, tmp_path: Path
) -> None:
    whole = Path(shutil.copytree(folder, tmp_path / "whole"))
    command = ("classify", folder / "texts.txt", "-o", tmp_path / "out.csv", *PRICES)
    assert run(*command, "-w", whole).code == 0
    asked = server.stats()["requests"]
    assert asked > 6
    server.reset()
    stopped = run(*command, "-w", folder, "--budget", 0.5)
    assert stopped.code == 9
    assert server.stats()["requests"] == 4
    assert "the budget of 0.50 US dollars is spent: 0.4400 for 4 requests" in stopped.err
    assert (
        "spent on language models: 0.4400 US dollars, 4 requests, 400 tokens read, 40 written" in stopped.err
    )
    rest = run(*command, "-w", folder, "--budget", 100)
    assert rest.code == 0
    assert server.stats()["requests"] == asked
    assert f"{0.11 * (asked - 4):,.4f} US dollars" in rest.err
    again = run(*command, "-w", folder, "--budget", 0)
    assert (again.code, server.stats()["requests"]) == (0, asked)
    assert "US dollars" not in again.err


@pytest.mark.parametrize(
    "command",
    [
        ("classify", "{folder}/texts.txt"),
        ("index", "build", "--method", "agents", "--terminal-size", "2"),
        ("vocabulary", "build", "{folder}/texts.txt"),
        ("evaluate", "{folder}/test.csv", "--methods", "navigate"),
        ("labels", "add", "{folder}/new.txt"),
        ("prompts", "try", "navigator/expand", "--on", "{folder}/test.csv"),
        ("explain", "yellow pears"),
        ("chat", "--once", "where do tents go?"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_nothing_is_sent_where_nothing_may_be_spent(
    run: Any, folder: Path, blank: Path, server: Any, command: tuple[str, ...]
) -> None:
    if command[0] == "prompts":
        run("prompts", "eject", "navigator/expand", "-w", folder)
        own = folder / "prompts/navigator/expand.j2"
        own.write_text(own.read_text().replace("{% block system %}", "{% block system %}Be quick. "))
    words = [word.format(folder=folder) for word in command]
    called = run(*words, "--budget", 0, "-w", blank if command[0] == "vocabulary" else folder)
    assert called.code == 9, called
    assert "the budget of 0.00 US dollars is spent" in called.err
    assert "Traceback" not in called.err
    assert server.stats()["requests"] == 0


def test_the_price_list_says_what_was_spent(run: Any, folder: Path, server: Any) -> None:
    called = run("classify", "red apples", "-w", folder)
    asked = server.stats()["requests"]
    # A million tokens cost 0.15 read, 0.075 from the provider's cache, 0.60 written.
    cost = asked * (30 * 0.15 + 70 * 0.075 + 10 * 0.60) / 1_000_000
    assert f"{cost:,.4f} US dollars, {asked} requests" in called.err
    assert "US dollars" not in run("classify", "boots", "-q", "-w", folder).err


def test_a_model_without_a_known_price(
    run: Any, folder: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXONAUT_MODELS__NAVIGATOR__MODEL", "openai/of-our-own")
    called = run("classify", "red apples", "--budget", 5, "-w", folder)
    assert (called.code, server.stats()["requests"]) == (2, 0)
    assert "what 'openai/of-our-own' of the navigator costs is not known" in called.err
    assert "without openai/of-our-own: not in the price list" in run("classify", "pears", "-w", folder).err
    monkeypatch.setenv("TAXONAUT_MODELS__GENERAL_EXPERT__MODEL", "openai/of-our-own")
    assert "US dollars" not in run("classify", "green pears", "-w", folder).err
    called = run("classify", "boots", "--price-in", 1, "-w", folder)
    assert (called.code, "give both --price-in and --price-out" in called.err) == (2, True)


def test_models_of_this_process_cost_nothing(run: Any, shop: Path) -> None:
    called = run("classify", "red apples", "--budget", 0, "-w", shop)
    assert (called.code, "US dollars" in called.err) == (0, False)
