"""A codebook that follows the vectors it stands for: k-means at the start, then moving averages."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.objectives.quantization import k_means, nearest_codes


class Codebook(nn.Module):
    r"""K codes of D numbers, moved by averages and never by a gradient.

    Every code is the mean of the vectors that were nearest to it, the later ones weighing more:

    .. math:: N_k ← γ N_k + (1 - γ) n_k, \quad m_k ← γ m_k + (1 - γ) \sum_{v: k(v) = k} v, \quad
        e_k = m_k / N_k

    A code whose average count N_k falls below `revival` of an even share is dead: it becomes a
    vector of the batch, drawn at random, and starts again with an even share.

    Args:
        codes: K.
        width: D.
        decay: γ.
        revival: Share of an even share below which a code is dead.

    Attributes:
        vectors: e, shape (K, D).
        counts: N, shape (K,).
        sums: m, shape (K, D).

    Source:
        van den Oord et al. 2017, arXiv:1711.00937, appendix A.1; revival as in Dhariwal et al.,
        Jukebox, 2020, arXiv:2005.00341, section 3.1.

    Example:
        >>> book = Codebook(2, 1)
        >>> book.vectors.copy_(torch.tensor([[0.0], [1.0]]))[1].item()
        1.0
        >>> book(torch.tensor([[0.2], [0.9]]))
        tensor([0, 1])
    """

    def __init__(self, codes: int, width: int, decay: float = 0.95, revival: float = 0.1) -> None:
        super().__init__()
        self.decay, self.revival = decay, revival
        self.register_buffer("vectors", torch.randn(codes, width))
        self.register_buffer("counts", torch.ones(codes))
        self.register_buffer("sums", self.vectors.clone())

    def forward(self, vectors: Tensor) -> Tensor:
        """Finds the nearest code of every vector (N, D): indices, int64, shape (N,)."""
        return nearest_codes(vectors, self.vectors)

    @torch.no_grad()
    def start_at(self, vectors: Tensor, count: float, generator: torch.Generator) -> None:
        """Places the codes by k-means among vectors (N, D).

        Args:
            vectors: Of a sample of the training images.
            count: What the codes' counts N start at, all together; at least that of a batch.
            generator: Of the first codes.
        """
        self.vectors.copy_(k_means(vectors, len(self.vectors), generator))
        self.counts.fill_(count / len(self.counts))
        self.sums.copy_(self.vectors * self.counts[:, None])

    @torch.no_grad()
    def follow(self, vectors: Tensor, indices: Tensor, generator: torch.Generator) -> None:
        """Moves the codes towards the vectors (N, D) that are nearest to them.

        Args:
            vectors: v.
            indices: k(v), shape (N,).
            generator: Of the vectors that dead codes become.
        """
        codes = len(self.vectors)
        counts = torch.bincount(indices, minlength=codes).to(vectors.dtype)
        sums = torch.zeros_like(self.sums).index_add_(0, indices, vectors)
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        self._revive(vectors, generator)
        self.vectors.copy_(self.sums / self.counts[:, None])

    def _revive(self, vectors: Tensor, generator: torch.Generator) -> None:
        """Starts dead codes again; draws equally often whether there are any or not."""
        even = len(vectors) / len(self.vectors)
        drawn = torch.randint(
            len(vectors), (len(self.vectors),), generator=generator, device=vectors.device
        )
        dead = self.counts < self.revival * even
        self.counts[dead] = even
        self.sums[dead] = even * vectors[drawn[dead]]
