"""Settings of one role's model: model, server, timeouts, retries, limits."""

from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

IN_PROCESS = frozenset({"gguf"})
"""Our providers that run in this process. They read the ModelRequest, not only the messages."""

ENCODER_SETTINGS = ("precision", "pooling", "query_prefix", "passage_prefix")
"""Settings of encoders on ONNX Runtime."""

_LEFT_OUT = (*ENCODER_SETTINGS, "languages", "adapter")


class ModelSettings(BaseModel):
    """One role's model: the table `[models.<role>]` of taxonaut.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(
        description="A LiteLLM model string, gguf/<name or path>, onnx/<name or folder> or encoder/<embedder>."
    )
    api_base: str | None = Field(default=None, description="The server's URL, for your own server.")
    api_key_env: str | None = Field(default=None, description="The environment variable that holds the key.")
    answer: Literal["generated", "scored"] = Field(
        default="generated",
        description="How gguf/ answers: a generated tool call, or options scored by likelihood.",
    )
    adapter: str | None = Field(
        default=None,
        description="A LoRA adapter of a gguf/ model: a GGUF file, relative to the workspace (docs/learning.md).",
    )
    join: str | None = Field(
        default=None, description="An encoder/… whose scores are added to those of a scored answer."
    )
    join_weight: float = Field(
        default=0.75, ge=0, description="Weight of the language model's scores when the encoder's are added."
    )
    tool_choice: Literal["required", "auto", "named", "text"] = Field(
        default="required",
        description="How a server is told to call the tool; auto if it knows no other, text if it knows no tools.",
    )
    temperature: float = Field(default=0.0, ge=0)
    max_tokens: int = Field(default=256, gt=0, description="Most tokens of one answer.")
    max_reply_mb: float = Field(
        default=4.0,
        gt=0,
        description="Most megabytes of one answer; 8 times as many in a stream, 16 in vectors.",
    )
    seed: int = 0
    concurrency: int = Field(default=16, gt=0, description="Most requests in flight at once.")
    timeout_s: float = Field(default=60.0, gt=0, description="Longest wait for one HTTP answer.")
    deadline_s: float = Field(
        default=300.0, gt=0, description="Longest time for one decision, retries included."
    )
    attempts: int = Field(
        default=5, gt=0, description="Most tries after 429, 5xx, time-outs and broken connections."
    )
    repairs: int = Field(
        default=2, ge=0, description="Times a model is told what was wrong with its tool call."
    )
    backoff_s: float = Field(
        default=1.0, ge=0, description="First wait before a retry; doubles, with jitter."
    )

    precision: Literal["auto", "fp32", "int8"] = Field(
        default="auto",
        description="How onnx/ keeps matrices: int8 is less exact; auto: int8 where the CPU is faster with it.",
    )
    pooling: Literal["mean", "cls", "last"] | None = Field(
        default=None,
        description="How onnx/ makes one vector of the tokens' vectors. None: as its folder says.",
    )
    query_prefix: str | None = Field(
        default=None,
        description='What onnx/ puts before texts that are labelled, such as "query: ". None: as its folder says.',
    )
    passage_prefix: str | None = Field(
        default=None,
        description='What onnx/ puts before labels, such as "passage: ". None: as its folder says.',
    )

    languages: tuple[str, ...] | None = Field(
        default=None,
        description='What [embeddings] knows, such as ["en", "de"]. None: as the catalogue or the model card says.',
    )

    @model_validator(mode="after")
    def _adapts_a_file(self) -> "ModelSettings":
        """Refuse an adapter for a model that does not run in this process."""
        if self.adapter is not None and not self.in_process:
            raise ValueError(
                f"an adapter is for gguf/… models, and {self.model!r} is none; a server loads adapters itself"
            )
        return self

    @model_serializer(mode="wrap")
    def _leave_out_unset(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out newer settings where they are the default: fingerprints of runs hold what is dumped."""
        fields = type(self).model_fields
        found: dict[str, Any] = dump(self)
        return {
            name: value
            for name, value in found.items()
            if name not in _LEFT_OUT or value != fields[name].default
        }

    @property
    def in_process(self) -> bool:
        """Whether a provider of ours answers in this process."""
        return self.provider in IN_PROCESS

    @property
    def request_timeout_s(self) -> float:
        """Longest wait for one answer; in this process the deadline, as a retry would do the same work again."""
        return max(self.timeout_s, self.deadline_s) if self.in_process else self.timeout_s

    @property
    def provider(self) -> str:
        """The part of the model string before its first slash."""
        return self.model.partition("/")[0]
