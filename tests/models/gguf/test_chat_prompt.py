"""How tools are described to a model that answers in JSON, and OpenAI's messages made plain."""

from taxonaut.models.gguf.chat_prompt import call_note, plain_messages, skeleton
from taxonaut.state.records import ToolSpec

SCHEMA = {
    "type": "object",
    "properties": {"ids": {"type": "array", "items": {"type": "integer"}}, "kind": {"const": "a"}},
}


def test_one_tool() -> None:
    assert call_note([ToolSpec("open", "Open branches.\nMore.", SCHEMA)]) == (
        'Answer with the arguments of open (Open branches), as JSON: {"ids": [integer, …], "kind": "a"}'
    )


def test_several_tools() -> None:
    tools = [ToolSpec("open", "Open branches.", SCHEMA), ToolSpec("stop", "", {"properties": {}})]
    assert call_note(tools) == (
        "Tools:\n- open (Open branches)\n- stop\nAnswer with the call of one tool, as JSON, one of:\n"
        '{"name": "open", "arguments": {"ids": [integer, …], "kind": "a"}}\n'
        '{"name": "stop", "arguments": {}}'
    )


def test_a_schema_without_a_type() -> None:
    assert skeleton({}) == "value"


def test_roles_take_turns() -> None:
    assert plain_messages(
        [
            {"role": "system", "content": "A."},
            {"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
            {"role": "user", "content": "d"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"function": {"name": "n", "arguments": "{}"}}],
            },
            {"role": "tool", "content": "wrong"},
            {"role": "developer", "content": "E."},
        ]
    ) == [
        {"role": "system", "content": "A.\n\nE."},
        {"role": "user", "content": "bc\n\nd"},
        {"role": "assistant", "content": "{}"},
        {"role": "user", "content": "wrong"},
    ]
