"""Write the ONNX graph of a transformer encoder from its safetensors, without PyTorch.

BERT, RoBERTa, XLM-R and MPNet, whose layers compute alike: attention, a sum with its normalization, two matrices with
GELU between them, a sum with its normalization (Vaswani et al. 2017). They differ in names, in where positions begin,
and in MPNet's bias for relative positions (Raffel et al. 2020, 2.1).

In float32 the weights stay where they are: the graph, some 20 kB, points into `model.safetensors` next to it. In int8
the matrices of the layers are in the file: per output channel, symmetric, scaled by the largest absolute weight; what
they are multiplied by is quantized when it is known. Embeddings stay in float32.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from taxonaut.models.onnx.onnx_file import MICROSOFT, Graph, value
from taxonaut.models.onnx.safetensors import StoredTensor
from taxonaut.state.errors import ModelError

IDS, MASK, STATES = "input_ids", "attention_mask", "last_hidden_state"
"""Names of the graph's inputs, int64 of shape (batch, tokens), and of its output, (batch, tokens, width)."""

Weights = Literal["fp32", "int8"]
"""How the matrices of the layers are kept."""

_BERT = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm": "output.LayerNorm",
}
_MPNET = {
    **_BERT,
    "query": "attention.attn.q",
    "key": "attention.attn.k",
    "value": "attention.attn.v",
    "output": "attention.attn.o",
    "attention_norm": "attention.LayerNorm",
}
_FAMILIES = {"bert": _BERT, "roberta": _BERT, "xlm-roberta": _BERT, "mpnet": _MPNET}
_ACTIVATIONS = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}
_PREFIX = re.compile(r"(bert|roberta|xlm_roberta|mpnet|model)\.(?=embeddings\.|encoder\.)")
_BUCKETS, _FARTHEST = 32, 128


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """The sizes of an encoder, from its `config.json`. `first_position` is that of a text's first token."""

    family: str
    layers: int
    heads: int
    width: int
    positions: int
    first_position: int
    epsilon: float
    approximate: str
    buckets: int

    @property
    def longest(self) -> int:
        """The most tokens of a text."""
        return self.positions - self.first_position


def read_shape(config: Mapping[str, Any]) -> EncoderShape:
    """Read the sizes of a `config.json`. Raises ModelError, with the reason, for an encoder of another kind."""
    family = str(config.get("model_type"))
    if family not in _FAMILIES:
        raise ModelError(
            f"its model type is {family!r}; a graph is written for {', '.join(_FAMILIES)}: "
            "export others to model.onnx, for example with `optimum-cli export onnx`"
        )
    activation = config.get("hidden_act", "gelu")
    if activation not in _ACTIVATIONS or config.get("position_embedding_type") not in (None, "absolute"):
        raise ModelError(
            f"its activation is {activation!r} and its positions are "
            f"{config.get('position_embedding_type', 'absolute')!r}; allowed are {', '.join(_ACTIVATIONS)} and "
            "'absolute': export it to model.onnx"
        )
    try:
        shape = EncoderShape(
            family=family,
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            width=int(config["hidden_size"]),
            positions=int(config["max_position_embeddings"]),
            first_position=0 if family == "bert" else int(config.get("pad_token_id", 1)) + 1,
            epsilon=float(config["layer_norm_eps"]),
            approximate=_ACTIVATIONS[activation],
            buckets=int(config.get("relative_attention_num_buckets", _BUCKETS)) if family == "mpnet" else 0,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"its config.json lacks a size ({error}); copy the model again") from error
    if shape.layers < 1 or shape.heads < 1 or shape.width % shape.heads or shape.longest < 2:
        raise ModelError("the sizes in its config.json do not fit together; copy the model again")
    return shape


def write_graph(shape: EncoderShape, tensors: Mapping[str, StoredTensor], weights: Weights = "fp32") -> bytes:
    """Return the bytes of an ONNX file. Raises ModelError if a tensor is missing or has another shape."""
    return _Writer(shape, tensors, weights).write()


class _Writer:
    """Adds an encoder's nodes to a graph, from the embeddings up."""

    def __init__(self, shape: EncoderShape, tensors: Mapping[str, StoredTensor], weights: Weights) -> None:
        self._shape, self._weights = shape, weights
        self._tensors = {_PREFIX.sub("", name, count=1): tensor for name, tensor in tensors.items()}
        self._graph = Graph()

    def write(self) -> bytes:
        graph, width = self._graph, self._shape.width
        tokens = graph.node("Shape", IDS)
        width_size = graph.constant("width", np.array([width], np.int64))
        batched = graph.node("Concat", tokens, width_size, axis=0)
        rows = graph.constant("rows", np.array([-1, width], np.int64))
        mask = graph.node("Cast", MASK, to=6)
        positions = self._positions()
        bias = self._relative_bias(positions) if self._shape.buckets else ""
        states = graph.node("Reshape", self._embeddings(positions), rows)
        for layer in range(self._shape.layers):
            states = self._layer(layer, states, batched, rows, mask, bias)
        graph.node("Reshape", states, batched, output=STATES)
        axes = ("batch", "tokens")
        return graph.model(
            self._shape.family,
            [value(IDS, "int64", axes), value(MASK, "int64", axes)],
            [value(STATES, "float32", (*axes, width))],
        )

    def _positions(self) -> str:
        """Return 0, 1, … for the tokens of a row."""
        graph = self._graph
        length = graph.node("Shape", IDS, start=1)
        zero = graph.constant("zero", np.array(0, np.int64))
        one = graph.constant("one", np.array(1, np.int64))
        return graph.node("Range", zero, graph.node("Squeeze", length), one)

    def _embeddings(self, positions: str) -> str:
        graph, first = self._graph, self._shape.first_position
        words = graph.node("Gather", self._tensor("embeddings.word_embeddings.weight", None), IDS)
        if first:
            positions = graph.node("Add", positions, graph.constant("first", np.array(first, np.int64)))
        places = self._tensor("embeddings.position_embeddings.weight", self._shape.positions)
        states = graph.node("Add", words, graph.node("Gather", places, positions))
        if self._shape.family != "mpnet":
            types = self._tensor("embeddings.token_type_embeddings.weight", None)
            states = graph.node("Add", states, graph.node("Gather", types, "zero"))
        gamma, beta = self._norm("embeddings.LayerNorm")
        return graph.node("LayerNormalization", states, gamma, beta, axis=-1, epsilon=self._shape.epsilon)

    def _relative_bias(self, positions: str) -> str:
        """Return MPNet's bias of each token to each other, (1, heads, tokens, tokens)."""
        graph, longest = self._graph, self._shape.longest
        buckets = graph.constant("buckets", relative_buckets(longest, self._shape.buckets))
        column = graph.node("Unsqueeze", positions, graph.constant("axis_1", np.array([1], np.int64)))
        apart = graph.node("Sub", positions, column)
        middle = graph.constant("middle", np.array(longest - 1, np.int64))
        bucket = graph.node("Gather", buckets, graph.node("Add", apart, middle))
        table = self._tensor("encoder.relative_attention_bias.weight", self._shape.buckets, self._shape.heads)
        bias = graph.node("Transpose", graph.node("Gather", table, bucket), perm=(2, 0, 1))
        return graph.node("Unsqueeze", bias, graph.constant("axis_0", np.array([0], np.int64)))

    def _layer(self, layer: int, states: str, batched: str, rows: str, mask: str, bias: str) -> str:
        graph, width = self._graph, self._shape.width
        name = {
            part: f"encoder.layer.{layer}.{given}" for part, given in _FAMILIES[self._shape.family].items()
        }
        projected = [
            graph.node("Reshape", self._linear(name[part], states, width, width), batched)
            for part in ("query", "key", "value")
        ]
        attended = graph.node(
            "MultiHeadAttention", *projected, "", mask, bias, domain=MICROSOFT, num_heads=self._shape.heads
        )
        joined = self._linear(name["output"], graph.node("Reshape", attended, rows), width, width)
        states = self._sum(joined, states, name["attention_norm"])
        inner = self._find(f"{name['up']}.weight").shape[0]
        up = self._linear(name["up"], states, inner, width)
        bent = graph.node("Gelu", up, approximate=self._shape.approximate)
        return self._sum(self._linear(name["down"], bent, width, inner), states, name["norm"])

    def _linear(self, name: str, states: str, out: int, into: int) -> str:
        """Multiply rows with a matrix stored as (out, into) and add its bias."""
        weight, bias = f"{name}.weight", self._tensor(f"{name}.bias", out)
        if self._weights == "fp32":
            return self._graph.node("Gemm", states, self._tensor(weight, out, into), bias, transB=1)
        matrix = self._find(weight, out, into).read()
        scale = np.maximum(np.abs(matrix).max(axis=1) / np.float32(127), np.float32(1e-12))
        whole = np.rint(matrix / scale[:, None]).astype(np.int8)
        quantized = self._graph.constant(weight, np.ascontiguousarray(whole.T))
        scales = self._graph.constant(f"{weight}_scale", scale)
        # Zeros, which say the same as no zero points: without them ONNX Runtime 1.23 adds up in 16 bits without VNNI.
        zeros = self._graph.constant(f"{weight}_zero", np.zeros(out, np.int8))
        return self._graph.node(
            "DynamicQuantizeMatMul", states, quantized, scales, zeros, bias, domain=MICROSOFT
        )

    def _sum(self, states: str, skipped: str, norm: str) -> str:
        gamma, beta = self._norm(norm)
        return self._graph.node(
            "SkipLayerNormalization",
            states,
            skipped,
            gamma,
            beta,
            domain=MICROSOFT,
            epsilon=self._shape.epsilon,
        )

    def _norm(self, name: str) -> tuple[str, str]:
        width = self._shape.width
        return self._tensor(f"{name}.weight", width), self._tensor(f"{name}.bias", width)

    def _tensor(self, name: str, *shape: int | None) -> str:
        found = self._find(name, *shape)
        if found.kind == "F32":
            return self._graph.external(name, found)
        return self._graph.constant(name, found.read())

    def _find(self, name: str, *shape: int | None) -> StoredTensor:
        """Return a tensor whose first sizes are `shape`, of which None may be any."""
        found = self._tensors.get(name)
        if found is None:
            raise ModelError(f"its safetensors lack {name!r}, which its config.json calls for; copy it again")
        if any(want not in (None, size) for want, size in zip(shape, found.shape, strict=False)):
            raise ModelError(
                f"{name!r} has the shape {found.shape}, which does not fit its config.json; copy it again"
            )
        return found


def relative_buckets(longest: int, buckets: int) -> npt.NDArray[np.int64]:
    """Return the bucket of each distance from -(longest - 1) to longest - 1 between two tokens, key minus query.

    Half of the buckets are for each direction; in each, half are for one distance and the others grow with its
    logarithm, up to 128 tokens.
    """
    apart = np.arange(-(longest - 1), longest)
    half = buckets // 2
    exact = half // 2
    far = np.abs(apart)
    grown = np.log(np.maximum(far, 1).astype(np.float32) / exact) / math.log(_FARTHEST / exact)
    large = np.minimum(exact + (grown * (half - exact)).astype(np.int64), half - 1)
    found: npt.NDArray[np.int64] = np.where(far < exact, far, large) + half * (apart > 0)
    return found
