"""The scores once more, from their papers' words: slow, without NumPy's shortcuts or scikit-learn.

Written apart from the package: it shares the bins and the importances with it, and nothing else.
"""

import math
import random
from collections import Counter


def entropy(values):
    """H in nats of a list of values."""
    counts = Counter(values)
    return -sum(n / len(values) * math.log(n / len(values)) for n in counts.values())


def information(first, second):
    """I = H(a) + H(b) - H(a, b)."""
    return entropy(first) + entropy(second) - entropy(list(zip(first, second, strict=True)))


def table(codes, factors):
    """I(z_j; v_k) by latent and factor, from lists of columns."""
    return [[information(code, factor) for factor in factors] for code in codes]


def mig(codes, factors):
    """Chen et al. 2018, equation 6."""
    gaps = []
    for k, factor in enumerate(factors):
        column = sorted((row[k] for row in table(codes, factors)), reverse=True)
        second = column[1] if len(column) > 1 else 0
        gaps.append((column[0] - second) / entropy(factor))
    return sum(gaps) / len(gaps)


def modularity(codes, factors):
    """Ridgeway & Mozer 2018: the distance from the template in which one factor has all."""
    scores = []
    for row in table(codes, factors):
        theta = max(row)
        if theta > 1e-12:
            best = row.index(theta)
            off = sum(value**2 for k, value in enumerate(row) if k != best)
            scores.append(1 - off / (theta**2 * (len(row) - 1)))
    return sum(scores) / len(scores) if scores else 0.0


def info_m(codes, factors):
    """Hsu et al. 2023."""
    scores = []
    for row in table(codes, factors):
        shares = [value / entropy(factor) for value, factor in zip(row, factors, strict=True)]
        if sum(shares) > 1e-12:
            even = 1 / len(factors)
            scores.append((max(shares) / sum(shares) - even) / (1 - even))
    return sum(scores) / len(scores) if scores else 0.0


def info_c(codes, factors):
    """Hsu et al. 2023; latents without any information are left out."""
    rows = [row for row in table(codes, factors) if max(row) > 1e-12]
    if not rows:
        return 0.0
    if len(rows) == 1:
        return sum(value > 1e-12 for value in rows[0]) / len(factors)
    scores = []
    for column in zip(*rows, strict=True):
        even = 1 / len(rows)
        whole = sum(column)
        scores.append((max(column) / whole - even) / (1 - even) if whole > 1e-12 else 0.0)
    return sum(scores) / len(scores)


def dci(importances):
    """Eastwood & Williams 2018: disentanglement and completeness, from a list of rows."""

    def surprise(shares, base):
        return -sum(p * math.log(p, base) for p in shares if p > 0)

    total = sum(map(sum, importances))
    if total == 0:
        return 0.0, 0.0
    disentangled = 0.0
    for row in importances:
        if sum(row) > 0:
            spread = surprise([value / sum(row) for value in row], len(row))
            disentangled += sum(row) / total * (1 - spread)
    complete = 0.0
    columns = list(zip(*importances, strict=True))
    for column in columns:
        if sum(column) > 0:
            complete += 1 - surprise([value / sum(column) for value in column], len(column))
    return disentangled, complete / len(columns)


def correlation_gap(codes, factors):
    """SAP of factors with many values: squared correlations, the best minus the second best."""
    gaps = []
    for factor in factors:
        scores = sorted((squared_correlation(code, factor) for code in codes), reverse=True)
        gaps.append(scores[0] - scores[1])
    return sum(gaps) / len(gaps)


def squared_correlation(a, b):
    """Cov² / (Var Var)."""
    n = len(a)
    ma, mb = sum(a) / n, sum(b) / n
    cov = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
    va, vb = sum((x - ma) ** 2 for x in a), sum((y - mb) ** 2 for y in b)
    return cov**2 / (va * vb) if va > 0 and vb > 0 else 0.0


def factor_vae(rows, bins, votes, group, seed):
    """Kim & Mnih 2018: one vote after the other; `rows` are codes, `bins` the factors' bins."""
    draw = random.Random(seed)
    latents = range(len(rows[0]))
    spread = [variance([row[j] for row in rows]) for j in latents]
    ballots = {"learn": [], "score": []}
    for part, kept in ballots.items():
        for k in range(len(bins[0])):
            for _ in range(votes):
                fixed = bins[draw.randrange(len(bins))][k]
                members = [i for i, b in enumerate(bins) if b[k] == fixed]
                chosen = [rows[draw.choice(members)] for _ in range(group)]
                ratios = [
                    variance([row[j] for row in chosen]) / spread[j] if spread[j] > 0 else math.inf
                    for j in latents
                ]
                kept.append((ratios.index(min(ratios)), k, part))
    counts = Counter((j, k) for j, k, _ in ballots["learn"])
    meaning = {j: max(range(len(bins[0])), key=lambda k: counts[j, k]) for j in latents}
    right = sum(meaning[j] == k for j, k, _ in ballots["score"])
    return right / len(ballots["score"])


def variance(values):
    """Mean squared distance from the mean."""
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)
