"""t-SNE: `models.latents.tsne` against scikit-learn's, on the codes of a 20-latent MNIST model.

Quality is scikit-learn's trustworthiness (5 neighbours) on one sample of points for all, and the
accuracy of a 10-nearest-neighbour vote on the map (5 folds). Both use every core; the app's
own t-SNE process uses one thread, which is the third row.
"""

from __future__ import annotations

import numpy as np

from models.latents.tsne import tsne
from models.storage.checkpoint import read
from tests.benchmarks.common import CORES, ROOT, Row, arguments, interleaved, show

CHECKPOINT = ROOT / "checkpoints/mnist-20d-beta-1.safetensors"
SAMPLE = 2000


def codes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and labels of the shipped model; a mixture of ten Gaussians where it is missing."""
    if CHECKPOINT.exists():
        found = read(CHECKPOINT).codes
        return found.mean[:count], found.labels[:count]
    print("The shipped model is missing: a mixture of ten Gaussians instead.")
    generator = np.random.default_rng(0)
    labels = generator.integers(10, size=count)
    centres = 2 * generator.normal(size=(10, 20))
    return (centres[labels] + generator.normal(size=(count, 20))).astype(np.float32), labels


def quality(mean: np.ndarray, positions: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Trustworthiness of a sample, and accuracy of the neighbours' vote."""
    from sklearn.manifold import trustworthiness
    from sklearn.model_selection import cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    size = min(SAMPLE, len(mean))
    chosen = np.random.default_rng(0).choice(len(mean), size, replace=False)
    trust = trustworthiness(mean[chosen], positions[chosen], n_neighbors=5)
    votes = cross_val_score(KNeighborsClassifier(10), positions, labels, cv=5)
    return trust, votes.mean()


def main(quick: bool) -> None:
    from sklearn.manifold import TSNE

    count, rounds = (1500, 1) if quick else (10_000, 3)
    mean, labels = codes(count)
    reference = "scikit-learn TSNE"
    work = {
        reference: lambda: TSNE(random_state=0, n_jobs=CORES).fit_transform(mean),
        "tsne, 2 x 125 steps": lambda: tsne(mean, threads=CORES),
        "tsne, 2 x 125, one thread": lambda: tsne(mean),
        "tsne, 2 x 250 steps": lambda: tsne(mean, iterations=250, threads=CORES),
    }
    maps = {}

    def mapped(name: str):
        return lambda: maps.update({name: work[name]()})

    tsne(mean[:500], iterations=10)  # imports openTSNE
    seconds = interleaved({name: mapped(name) for name in work}, rounds)
    scores = {name: quality(mean, maps[name], labels) for name in work}
    rows = []
    for name, taken in seconds.items():
        trust, accuracy = scores[name]
        ratio = seconds[reference] / taken
        row = Row(f"{name}: trust {trust:.4f}, kNN {accuracy:.4f}", f"{taken:.1f} s", ratio)
        if name == "tsne, 2 x 125 steps":
            met = ratio >= 5 and trust >= scores[reference][0] - 0.005
            row = row._replace(target=">= 5 x, trust -.005", met=met)
        rows.append(row)
    title = f"t-SNE of {count:,} codes of {mean.shape[1]} latents, {CORES} threads"
    show(title, rows, quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
