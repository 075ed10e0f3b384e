"""A LangGraph server in a user's project, over a workspace whose models are asked through LiteLLM.

LangGraph's server ends a run that blocks its event loop, for instance by importing LiteLLM there.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fakes import word_embedder
from langgraph_dev import serve_graphs
from local_server import LocalServer
from typer.testing import CliRunner

from taxonaut import Workspace
from taxonaut.cli.main import app
from taxonaut.workspace.files.label_files import read_labels

pytestmark = pytest.mark.slow

LABELS = """\
id,name,path
earbuds,Wireless earbuds,Electronics > Audio > Wireless earbuds
phones,Smartphones,Electronics > Phones > Smartphones
trains,Wooden trains,Toys > Vehicles > Wooden trains
"""
ROLES = ("navigator", "general_expert", "assistant")
OFFERED = {
    "navigate": {"texts", "settings"},
    "categorize": {"texts", "settings"},
    "assign_vocabulary": {"texts", "settings"},
    "build_vocabulary": {"texts", "settings"},
    "build_index": {"method", "settings"},
    "insert_labels": {"labels", "settings"},
    "chat": {"messages"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    server = LocalServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: LocalServer) -> Path:
    """A folder with a workspace, and the listing that the command wrote."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "labels.csv").write_text(LABELS, encoding="utf-8")
    with Workspace.init(folder / "shop", embedder=word_embedder()) as workspace:
        workspace.import_labels(read_labels(folder / "labels.csv"))
    roles = [f'[models.{role}]\nmodel = "openai/test"\napi_base = "{server.url}"\n' for role in ROLES]
    walk = '[walk]\nshortlist = "tree"\ncandidates = 0\n'
    (folder / "shop" / "taxonaut.toml").write_text("\n".join([*roles, walk]), encoding="utf-8")
    written = CliRunner().invoke(app, ["langgraph", str(folder), "-w", str(folder / "shop")])
    assert written.exit_code == 0, written.output
    return folder


@pytest.fixture(scope="module")
def served(project: Path) -> Iterator[httpx.Client]:
    with serve_graphs(project / "langgraph.json", project, {"TAXONAUT_TRUST": "1"}) as client:
        yield client


def test_a_graph_shows_its_steps_while_a_model_is_asked(served: httpx.Client, server: LocalServer) -> None:
    asked = server.stats()["answered"]
    sent = {"assistant_id": "navigate", "input": {"texts": ["bluetooth earbuds"]}, "stream_mode": ["updates"]}
    with served.stream("POST", "/runs/stream", json=sent) as answer:
        rows = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: {")]
    steps = [name for row in rows for name in row if name not in ("run_id", "attempt")]
    assert steps == ["read_input", "start", "open_level", "open_level", "retrieve", "rank", "write_output"]
    (result,) = rows[-1]["write_output"]["results"]
    assert (len(result["labels"]), result.get("error")) == (1, None)
    assert server.stats()["answered"] - asked == 3


def test_a_conversation_asks_its_model(served: httpx.Client, server: LocalServer) -> None:
    asked = server.stats()["answered"]
    said = {"messages": [{"role": "user", "content": "Hello BEHAVE:text"}]}
    answer = served.post("/runs/wait", json={"assistant_id": "chat", "input": said}).json()
    assert answer["messages"][-1]["type"] == "ai"
    assert "Error" not in json.dumps(answer["messages"][-1])
    assert server.stats()["answered"] > asked


def test_the_graphs_are_listed_with_inputs_of_their_own(served: httpx.Client) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    answer = served.post("/mcp", json=asked, headers={"accept": "application/json"}).json()
    tools = {tool["name"]: tool for tool in answer["result"]["tools"]}
    assert {name: set(tool["inputSchema"]["properties"]) for name, tool in tools.items()} == OFFERED
    assert tools["navigate"]["description"] == "Find the labels of texts by walking the tree."
    for each in served.post("/assistants/search", json={}).json():
        schemas = served.get(f"/assistants/{each['assistant_id']}/schemas").json()
        assert all(schemas[kind] for kind in ("input_schema", "output_schema", "state_schema")), each["name"]


def test_a_graph_is_a_tool_of_the_server(served: httpx.Client) -> None:
    given = {"name": "navigate", "arguments": {"texts": [{"id": "a", "text": "a wooden train"}]}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": given}
    answer = served.post("/mcp", json=asked, headers={"accept": "application/json"}).json()
    assert "isError" not in answer["result"] or not answer["result"]["isError"]
    assert '"id": "a"' in answer["result"]["content"][0]["text"].replace("'", '"')


@pytest.fixture(autouse=True, scope="module")
def nothing_blocks(project: Path, served: httpx.Client) -> Iterator[None]:
    """At the end the server's log must name no call that blocked its loop."""
    yield
    assert "blocking" not in (project / "server.log").read_text(encoding="utf-8").casefold()


def test_a_listing_that_exists_keeps_what_is_in_it(project: Path, tmp_path: Path) -> None:
    own = {"graphs": {"mine": "./mine.py:graph"}, "env": {"KEY": "x"}, "dependencies": ["./mine"], "http": {}}
    (tmp_path / "langgraph.json").write_text(json.dumps(own), encoding="utf-8")
    runner = CliRunner()
    for _ in range(2):
        called = runner.invoke(app, ["langgraph", str(tmp_path), "-w", str(project / "shop")])
        assert called.exit_code == 0, called.output
    found = json.loads((tmp_path / "langgraph.json").read_text(encoding="utf-8"))
    assert found["graphs"].keys() == {"mine", *OFFERED}
    assert found["env"] == {"KEY": "x", "TAXONAUT_WORKSPACE": str(project / "shop")}
    assert (found["dependencies"], found["http"]) == (["./mine"], {})


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("not JSON", "is no JSON object"),
        ('{"graphs": {"chat": "./mine.py:chat"}}', "has another graph 'chat'"),
        ('{"env": ".env"}', "is the file '.env'; write TAXONAUT_WORKSPACE="),
        ('{"graphs": []}', "are not objects"),
    ],
)
def test_a_listing_of_another_kind_is_refused(project: Path, tmp_path: Path, there: str, said: str) -> None:
    (tmp_path / "langgraph.json").write_text(there, encoding="utf-8")
    called = CliRunner().invoke(app, ["langgraph", str(tmp_path), "-w", str(project / "shop")])
    assert (called.exit_code, said in called.output) == (2, True), called.output
    assert (tmp_path / "langgraph.json").read_text(encoding="utf-8") == there
