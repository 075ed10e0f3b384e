"""A small causal transformer over item vectors that are sums of token vectors (after SASRec, Kang & McAuley 2018)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taxonaut.state.errors import MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

EXTRA = "recommend"
"""The extra that PyTorch comes with."""


@dataclass(frozen=True)
class Shape:
    """The model's size; the same for all codes."""

    dimension: int = 128
    layers: int = 2
    heads: int = 2
    dropout: float = 0.3
    mixed: bool = False


class NextItemModel:
    """Scores all items after each place of a history.

    An item's vector is the sum of its tokens' vectors, and where the shape is `mixed` a small network's reading of
    that sum is added, so that tokens can mean something together. The same vectors stand in histories and are
    scored. Each token also makes its items more or less likely, whatever the history. `table` is (items, slots) of
    token numbers, 0 the pad; `length` is the longest history. `parts` are its PyTorch modules.
    """

    def __init__(self, table: "Tensor", tokens: int, length: int, shape: Shape) -> None:
        torch = torch_module()
        nn: Any = torch.nn
        d = shape.dimension
        self.table, self.shape = table, shape
        self.parts: Any = nn.ModuleDict()
        self.parts["tokens"] = nn.Embedding(tokens, d, padding_idx=0)
        self.parts["common"] = nn.Embedding(tokens, 1, padding_idx=0)
        self.begin = nn.Parameter(torch.zeros(d))
        self.parts.register_parameter("begin", self.begin)
        blocks = [_block(nn, d) for _ in range(shape.layers)]
        self.parts["blocks"] = nn.ModuleList(blocks)
        self.distances = [nn.Parameter(torch.zeros(shape.heads, length + 1)) for _ in blocks]
        self.parts["distances"] = nn.ParameterList(self.distances)
        self.parts["norm_in"], self.parts["norm_out"] = nn.LayerNorm(d), nn.LayerNorm(d)
        nn.init.normal_(self.parts["tokens"].weight, std=(d * table.shape[1]) ** -0.5)
        nn.init.zeros_(self.parts["tokens"].weight[0])
        nn.init.zeros_(self.parts["common"].weight)
        if shape.mixed:
            mix = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
            nn.init.zeros_(mix[-1].weight)
            self.parts["mix"] = mix

    def items(self) -> "Tensor":
        """Make the items' vectors, (items, d)."""
        made: Tensor = self.parts["tokens"](self.table).sum(1)
        return made + self.parts["mix"](made) if self.shape.mixed else made

    def states(self, histories: "Tensor", items: "Tensor") -> "Tensor":
        """Map item rows (queries, length), padded behind with any, to the state after each place, begin first."""
        torch = torch_module()
        x = self.parts["norm_in"](items)[histories]
        x = torch.cat([self.begin.expand(len(x), 1, -1), x], dim=1)
        x = torch.nn.functional.dropout(x, self._dropout())
        for block, distance in zip(self.parts["blocks"], self.distances, strict=True):
            x = self._attend(x, block, distance)
        state: Tensor = self.parts["norm_out"](x)
        return state

    def scores(self, states: "Tensor", items: "Tensor") -> "Tensor":
        """Score all items after states (…, d): (…, items)."""
        found: Tensor = states @ items.T + self.parts["common"](self.table).sum((1, 2))
        return found

    def weights(self) -> dict[str, Any]:
        """Return all weights by name."""
        return dict(self.parts.state_dict())

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        """Take over weights of a model of the same shape and tokens."""
        self.parts.load_state_dict(dict(weights))

    def _dropout(self) -> float:
        return self.shape.dropout if self.parts.training else 0.0

    def _attend(self, x: "Tensor", block: Any, distance: "Tensor") -> "Tensor":
        """Attend to what came before, by distance too, then apply a feed-forward layer: (queries, length, d)."""
        torch = torch_module()
        functional, drop = torch.nn.functional, self._dropout()
        n, length, d = x.shape
        q, k, v = (
            block["qkv"](block["norm1"](x)).view(n, length, 3, self.shape.heads, -1).permute(2, 0, 3, 1, 4)
        )
        places = torch.arange(length)
        gap = places[:, None] - places[None, :]
        mask = distance[:, gap.clamp(min=0)].masked_fill(gap < 0, float("-inf"))
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[None], dropout_p=drop)
        x = x + functional.dropout(block["out"](seen.transpose(1, 2).reshape(n, length, d)), drop)
        made: Tensor = x + functional.dropout(block["feed"](block["norm2"](x)), drop)
        return made


def _block(nn: Any, d: int) -> Any:
    """Make the layers of one block; the weights are drawn in the order of these lines."""
    made = nn.ModuleDict()
    made["norm1"], made["norm2"] = nn.LayerNorm(d), nn.LayerNorm(d)
    made["qkv"], made["out"] = nn.Linear(d, 3 * d), nn.Linear(d, d)
    made["feed"] = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
    return made


def torch_module() -> Any:
    """Import PyTorch. Raises MissingExtraError, which names the extra, without it."""
    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", EXTRA) from None
    return torch
