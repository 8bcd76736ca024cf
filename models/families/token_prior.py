"""A prior over grids of tokens: a small causal transformer that predicts each from those before it.

p(t) = Π_i p(t_i | t_1 … t_{i-1}), the grid read row by row. In training all positions are computed
at once; sampling goes token by token and keeps the keys and values of those before (the cache), so
that a grid of T tokens costs T steps of one token, not T passes over the grid.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYERS = 2
HEAD_WIDTH = 16
Cache = list[tuple[Tensor, Tensor]]
"""Keys and values of every layer so far, each of shape (B, heads, tokens, HEAD_WIDTH)."""


class _Block(nn.Module):
    """Attention to the tokens before, then a layer of every token for itself; both are added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, h: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        """Features (B, T, width), with keys and values of the tokens before them, if any."""
        batch, count, width = h.shape
        heads = self.query_key_value(self.attention_norm(h)).view(batch, count, -1, HEAD_WIDTH)
        query, key, value = heads.transpose(1, 2).chunk(3, dim=1)
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        found = F.scaled_dot_product_attention(query, key, value, is_causal=past is None)
        h = h + self.attended(found.transpose(1, 2).reshape(batch, count, width))
        return h + self.outer(F.gelu(self.inner(self.norm(h)))), (key, value)


class TokenPrior(nn.Module):
    r"""A causal transformer over T tokens of K codes.

    .. math:: \ln p(t) = \sum_{i=1}^T \ln p(t_i | t_{<i})

    Args:
        tokens: T.
        codes: K.
        width: Of its features, a multiple of `HEAD_WIDTH`.

    Source:
        Vaswani et al., Attention Is All You Need, 2017, arXiv:1706.03762; as a prior over codes:
        Esser, Rombach & Ommer, Taming Transformers, 2021, arXiv:2012.09841.

    Example:
        >>> prior = TokenPrior(tokens=4, codes=8, width=16)
        >>> prior.nats(torch.zeros(3, 4, dtype=torch.int64)).shape
        torch.Size([3, 4])
    """

    def __init__(self, tokens: int, codes: int, width: int) -> None:
        super().__init__()
        self.tokens, self.codes = tokens, codes
        self.start = codes  # the token before the first
        self.embedding = nn.Embedding(codes + 1, width)
        self.position = nn.Parameter(0.02 * torch.randn(tokens, width))
        self.blocks = nn.ModuleList(_Block(width) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(width)
        self.logits = nn.Linear(width, codes)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Log-odds of every token given those before it, for tokens (B, T): shape (B, T, K)."""
        before = F.pad(tokens[:, :-1], (1, 0), value=self.start)
        h = self.embedding(before) + self.position
        for block in self.blocks:
            h, _ = block(h, None)
        return self.logits(self.norm(h)).float()

    def nats(self, tokens: Tensor, before: Tensor | None = None) -> Tensor:
        """Computes −ln p(t_i | t_<i) of every token, in nats, shape (B, T).

        Args:
            tokens: t, int64, shape (B, T).
            before: What stands for the tokens before, likewise; None: the tokens themselves.
        """
        logits = self(tokens if before is None else before)
        return F.cross_entropy(logits.transpose(1, 2), tokens, reduction="none")

    def step(self, token: Tensor, place: int, cache: Cache | None) -> tuple[Tensor, Cache]:
        """Computes the log-odds of the token at one place, from the one before it and the cache.

        Args:
            token: The token before, shape (B,); `start` at place 0.
            place: i, from 0.
            cache: Of the places before; None at place 0.

        Returns:
            Log-odds (B, K), and the cache with this place.
        """
        h = (self.embedding(token) + self.position[place])[:, None]
        kept = []
        for layer, block in enumerate(self.blocks):
            h, pair = block(h, None if cache is None else cache[layer])
            kept.append(pair)
        return self.logits(self.norm(h[:, 0])).float(), kept

    @torch.no_grad()
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws token grids, int64, shape (count, T), on the generator's device."""
        token = torch.full((count,), self.start, device=generator.device)
        cache: Cache | None = None
        drawn = []
        for place in range(self.tokens):
            logits, cache = self.step(token, place, cache)
            token = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
            drawn.append(token)
        return torch.stack(drawn, 1)
