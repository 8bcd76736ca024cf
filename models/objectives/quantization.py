"""Vector quantisation: the nearest code, a gradient through it, how evenly codes are used, k-means.

A code is a vector of a codebook, shape (K, D); an index names it. Notation: v a vector, e_k a code.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.devices import finest


def nearest_codes(vectors: Tensor, codes: Tensor) -> Tensor:
    r"""Finds the nearest code of every vector.

    .. math:: k(v) = \arg\min_k ‖v - e_k‖^2 = \arg\min_k (‖e_k‖^2 - 2 v · e_k)

    Args:
        vectors: v, shape (N, D).
        codes: e, shape (K, D).

    Returns:
        Indices, int64, shape (N,); of equally near codes the first.

    Numerics:
        In float32, also within autocast: the digits that bfloat16 leaves out decide between two
        near codes.

    Source:
        van den Oord, Vinyals & Kavukcuoglu, Neural Discrete Representation Learning, 2017,
        arXiv:1711.00937, equation 1.

    Example:
        >>> nearest_codes(torch.tensor([[0.2], [0.9]]), torch.tensor([[0.0], [1.0]]))
        tensor([0, 1])
    """
    with torch.autocast(vectors.device.type, enabled=False):
        vectors, codes = vectors.float(), codes.float()
        return (codes.square().sum(1) - 2 * vectors @ codes.T).argmin(1)


def straight_through(vectors: Tensor, quantized: Tensor) -> Tensor:
    r"""Returns the quantised vectors, with the gradient of the vectors they come from.

    .. math:: \mathrm{value} = e_{k(v)}, \qquad ∂\,\mathrm{value} / ∂v = I

    Args:
        vectors: v, any shape.
        quantized: e_{k(v)}, the same shape.

    Source:
        Bengio, Léonard & Courville, Estimating or Propagating Gradients Through Stochastic
        Neurons, 2013, arXiv:1308.3432; van den Oord et al. 2017, section 3.2.

    Example:
        >>> v = torch.tensor([0.2], requires_grad=True)
        >>> out = straight_through(v, torch.tensor([1.0]))
        >>> out.backward()
        >>> out.item(), v.grad.item()
        (1.0, 1.0)
    """
    return _StraightThrough.apply(vectors, quantized)


class _StraightThrough(torch.autograd.Function):
    """The second argument forwards, the gradient of the first backwards, both exactly."""

    @staticmethod
    def forward(context: object, vectors: Tensor, quantized: Tensor) -> Tensor:
        return quantized.clone()

    @staticmethod
    def backward(context: object, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def perplexity(counts: Tensor) -> Tensor:
    r"""Computes the perplexity of code usage: how many codes, used equally, would spread as much.

    .. math:: \exp H(p), \quad H(p) = -\sum_k p_k \ln p_k, \quad p_k = n_k / \sum_j n_j

    Args:
        counts: n, how often each code is used, shape (K,), at least one not 0.

    Returns:
        1 (one code is used) to K (all equally), a scalar. Twice the counts, the same perplexity.

    Example:
        >>> round(perplexity(torch.tensor([5.0, 5.0, 0.0])).item(), 6)
        2.0
    """
    share = counts.to(finest(counts.device)) / counts.sum()
    return torch.special.entr(share).sum().exp()


def k_means(vectors: Tensor, codes: int, generator: torch.Generator, rounds: int = 10) -> Tensor:
    r"""Finds codes that lie amid the vectors nearest to them (Lloyd's algorithm).

    The first codes are vectors drawn at random; each round moves every code to the mean of the
    vectors that are nearest to it, and one without vectors to the vector that is farthest from its
    code.

    Args:
        vectors: Shape (N, D).
        codes: K; where it is above N, vectors repeat.
        generator: Of the first codes.
        rounds: How often codes move.

    Returns:
        Shape (K, D).

    Source:
        Lloyd, Least Squares Quantization in PCM, IEEE Transactions on Information Theory 1982.

    Example:
        >>> vectors = torch.tensor([[0.0], [1.0], [10.0], [11.0]])
        >>> k_means(vectors, 2, torch.Generator().manual_seed(0)).flatten().sort().values
        tensor([ 0.5000, 10.5000])
    """
    order = torch.randperm(len(vectors), generator=generator, device=vectors.device)
    found = vectors[order[torch.arange(codes, device=vectors.device) % len(vectors)]].clone()
    for _ in range(rounds):
        nearest = nearest_codes(vectors, found)
        counts = torch.bincount(nearest, minlength=codes)
        sums = torch.zeros_like(found).index_add_(0, nearest, vectors)
        distances = (vectors - found[nearest]).square().sum(1)
        found = sums / counts.clamp_min(1)[:, None]
        empty = (counts == 0).nonzero().flatten()
        farthest = distances.argsort(descending=True, stable=True)
        found[empty] = vectors[
            farthest[torch.arange(len(empty), device=farthest.device) % len(vectors)]
        ]
    return found
