"""Models and embedders as objects: who answers, what the settings call them, what is refused."""

from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from taxonaut import InputError, Label, ModelError, ScriptedModel, Workspace
from taxonaut.models.observed import ObservedModel
from taxonaut.models.requests import ModelRequest
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Tree, TreeNode

NAMES = ["tents", "boots", "lamps", "ropes"]
FIRST = Tree("kmeans", (TreeNode(1, "Camping"),), ((0, 1),), tuple((1, LabelId(name)) for name in NAMES))

TREE: Any = {"shortlist": "tree", "candidates": 0}


class Chat(BaseChatModel):
    """A chat model of LangChain: calls the tool with what stands in its script, keeps what it was sent."""

    script: list[dict[str, Any] | str]
    sent: list[list[BaseMessage]] = Field(default_factory=list)
    tools: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "chat"

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **_: Any) -> Any:
        self.tools.append((tools, tool_choice))
        return self

    def _generate(self, messages: list[BaseMessage], stop: Any = None, *_: Any, **__: Any) -> ChatResult:
        self.sent.append(list(messages))
        said = self.script.pop(0)
        if isinstance(said, str):
            raise RuntimeError(said)
        name = self.tools[-1][1]
        call = {"name": name, "args": said, "id": str(len(self.sent)), "type": "tool_call"}
        usage = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}
        message = AIMessage("", tool_calls=[call], usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Workspace.init(tmp_path / "shop") as workspace:
        workspace.index.add_labels([Label(LabelId(name), name) for name in NAMES])
        workspace.index.load_tree(FIRST)
    return tmp_path / "shop"


def third(request: ModelRequest) -> list[int]:
    return [request.choices[min(2, len(request.choices) - 1)].id]


def test_objects_answer_in_their_roles(folder: Path) -> None:
    opens, ranks = ScriptedModel(rule=third), ScriptedModel(rule=third)
    models = {"navigator": opens, "general_expert": ranks}
    with Workspace.open(folder, models=models, walk=TREE) as workspace:
        (result,) = workspace.classify(["something to read by"])
        (run,) = workspace.runs.list("classify")
        rows = workspace.decisions.for_item(run.id, result.item_id)
        assert workspace.wiring.embedders == {}
    assert [label.label_id for label in result.labels] == ["lamps"]
    assert (len(opens.history), len(ranks.history)) == (1, 1)
    assert {(row.agent, row.model) for row in rows} == {
        ("navigator", "scripted"),
        ("general_expert", "scripted"),
    }
    assert {role: run.settings["models"][role]["model"] for role in models} == {
        "navigator": "scripted",
        "general_expert": "scripted (general_expert)",
    }


def test_one_object_may_stand_in_several_roles_and_roles_in_settings_stay(folder: Path) -> None:
    model = ScriptedModel(rule=third)
    given: dict[str, Any] = {"navigator": model, "general_expert": model, "architect": "openai/a"}
    with Workspace.open(folder, models=given) as workspace:
        models = workspace.config.models
        assert [models.navigator.model, models.general_expert.model] == ["scripted", "scripted"]
        assert models.architect.model == "openai/a"
        observed = workspace.wiring.answers(models.general_expert)
        assert isinstance(observed, ObservedModel)
        assert observed.model is model


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (
            {"driver": "openai/x"},
            "unknown role 'driver'; the roles are: navigator, general_expert, architect, annotator, assistant",
        ),
        ({"navigator": 3}, r"models\['navigator'\] is a int, which answers no requests; give a model string"),
        (
            {"assistant": ScriptedModel()},
            r"models\['assistant'\] is a ScriptedModel, which cannot lead a convers",
        ),
        ({"navigator": {"model": "openai/x", "heat": 1}}, r"models\.navigator\.heat: Extra inputs"),
    ],
)
def test_what_cannot_be_given(folder: Path, models: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Workspace.open(folder, models=models)


class Corners(FakeEmbedder):
    """A text of an even number of characters is up, any other right; says whether it was closed."""

    def __init__(self) -> None:
        super().__init__("corners", 2, lambda text: [0, 1] if len(text) % 2 == 0 else [1, 0])
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_an_embedder_stands_for_all_and_stays_the_caller_s(folder: Path) -> None:
    embedder = Corners()
    with Workspace.open(folder, embedder=embedder) as workspace:
        (result,) = workspace.classify(["a"])
        (run,) = workspace.runs.list("classify")
        assert set(workspace.wiring.embedders.values()) == {embedder}
        assert list(workspace.wiring.embeddings.models()) == ["corners"]
    assert result.labels
    assert embedder.embedded
    assert not embedder.closed
    assert run.settings["embeddings"]["model"] == "corners"
    assert run.settings["models"]["navigator"]["model"] == "encoder/corners"


def test_a_chat_model_of_langchain(folder: Path) -> None:
    chat = Chat(
        script=[{"labels": [9]}, {"labels": [3], "reason": "it shines"}, "no more credit"], name="mine"
    )
    models: dict[str, Any] = {"navigator": ScriptedModel(rule=third), "general_expert": chat}
    with Workspace.open(folder, models=models, walk=TREE) as workspace:
        found = workspace.classify(["a light"])
        (run,) = workspace.runs.list("classify")
        row = workspace.decisions.for_item(run.id, found[0].item_id)[-1]
        with pytest.raises(ModelError, match="'mine' gave no answer: RuntimeError: no more credit"):
            workspace.classify(["a knot"])
    ((label,),) = [result.labels for result in found]
    assert (label.label_id, label.reason) == ("lamps", "it shines")
    assert (row.agent, row.model, row.usage.prompt_tokens, row.usage.completion_tokens) == (
        "general_expert",
        "mine",
        20,
        4,
    )
    system, item, answer, corrected = chat.sent[1]
    assert (type(item), type(corrected)) == (HumanMessage, ToolMessage)
    assert isinstance(answer, AIMessage)
    assert "a light" in str(item.content)
    assert "tents" in str(system.content)
    assert str(corrected.content).startswith(
        "[9] is not on offer. `labels` takes a list of at most 4 of the ids"
    )


def test_a_chat_model_that_calls_no_tools(folder: Path) -> None:
    class Plain(Chat):
        def bind_tools(self, tools: Any, *, tool_choice: Any = None, **_: Any) -> Any:
            raise NotImplementedError

    models: dict[str, Any] = {
        "general_expert": Plain(script=[], name="plain"),
        "navigator": ScriptedModel(rule=third),
    }
    with (
        Workspace.open(folder, models=models, walk=TREE) as workspace,
        pytest.raises(InputError, match="the LangChain model 'plain' calls no tools"),
    ):
        workspace.classify(["a light"])
