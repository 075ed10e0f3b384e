"""A small causal transformer over item vectors that are sums of token vectors (after SASRec, Kang & McAuley 2018)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The model's size; the same for all codes."""

    dimension: int = 128
    layers: int = 2
    heads: int = 2
    dropout: float = 0.3
    mixed: bool = False


class Block(nn.Module):
    """Attention to what came before, by distance too, and a feed-forward layer."""

    def __init__(self, shape: Shape, length: int) -> None:
        super().__init__()
        d = shape.dimension
        self.heads = shape.heads
        self.drop = shape.dropout
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.feed = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        self.distance = nn.Parameter(torch.zeros(shape.heads, length))

    def forward(self, x: Tensor) -> Tensor:
        """Map (queries, length, d) to the same shape."""
        n, length, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        places = torch.arange(length)
        gap = places[:, None] - places[None, :]
        mask = self.distance[:, gap.clamp(min=0)].masked_fill(gap < 0, float("-inf"))
        drop = self.drop if self.training else 0.0
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[None], dropout_p=drop)
        x = x + functional.dropout(self.out(seen.transpose(1, 2).reshape(n, length, d)), drop)
        return x + functional.dropout(self.feed(self.norm2(x)), drop)


class Recommender(nn.Module):
    """Scores all items after each place of a history.

    An item's vector is the sum of its tokens' vectors, and where the shape is `mixed` a small network's reading of
    that sum is added, so that tokens can mean something together. The same vectors stand in histories and are
    scored. Each token also makes its items more or less likely, whatever the history.
    """

    def __init__(self, table: Tensor, tokens: int, length: int, shape: Shape) -> None:
        super().__init__()
        d = shape.dimension
        self.dropout = shape.dropout
        self.register_buffer("table", table)
        self.tokens = nn.Embedding(tokens, d, padding_idx=0)
        self.common = nn.Embedding(tokens, 1, padding_idx=0)
        self.begin = nn.Parameter(torch.zeros(d))
        self.blocks = nn.ModuleList(Block(shape, length + 1) for _ in range(shape.layers))
        self.norm_in, self.norm_out = nn.LayerNorm(d), nn.LayerNorm(d)
        nn.init.normal_(self.tokens.weight, std=(d * table.shape[1]) ** -0.5)
        nn.init.zeros_(self.tokens.weight[0])
        nn.init.zeros_(self.common.weight)
        self.mix = (
            nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
            if shape.mixed
            else None
        )
        if self.mix is not None:
            nn.init.zeros_(self.mix[-1].weight)

    def items(self) -> Tensor:
        """Make the items' vectors, (items, d)."""
        made = self.tokens(self.table).sum(1)
        return made if self.mix is None else made + self.mix(made)

    def forward(self, histories: Tensor, items: Tensor) -> Tensor:
        """Map item rows (queries, length), padded behind with any, to the state after each place, begin first."""
        x = self.norm_in(items)[histories]
        x = torch.cat([self.begin.expand(len(x), 1, -1), x], dim=1)
        x = functional.dropout(x, self.dropout if self.training else 0.0)
        for block in self.blocks:
            x = block(x)
        return self.norm_out(x)

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        """Score all items after states (…, d): (…, items)."""
        return states @ items.T + self.common(self.table).sum((1, 2))
