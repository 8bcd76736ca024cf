"""A codebook moves by averages, in training alone, and lets no code stay unused."""

import torch

from models.families.codebook import Codebook

assert_close = torch.testing.assert_close


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def started(vectors, codes=4, **settings):
    book = Codebook(codes, vectors.shape[1], **settings)
    book.start_at(vectors, len(vectors), generator())
    return book


def test_follow_is_the_moving_average_of_its_definition():
    vectors = torch.randn(40, 3, generator=generator())
    book = started(vectors, decay=0.8, revival=0.0)
    counts, sums = book.counts.clone(), book.sums.clone()
    batch = torch.randn(20, 3, generator=generator(1))
    indices = book(batch)
    for k in range(4):
        mine = batch[indices == k]
        counts[k] = 0.8 * counts[k] + 0.2 * len(mine)
        sums[k] = 0.8 * sums[k] + 0.2 * mine.sum(0)
    book.follow(batch, indices, generator())
    assert_close(book.counts, counts)
    assert_close(book.vectors, sums / counts[:, None])


def test_a_code_settles_at_the_mean_of_its_vectors():
    vectors = torch.randn(40, 3, generator=generator())
    book = started(vectors)
    fixed = torch.tensor([[5.0, 5.0, 5.0], [7.0, 7.0, 7.0]]).repeat(4, 1)
    for _ in range(400):
        book.follow(fixed, torch.arange(8) % 4 // 2 * 2, generator())
    assert_close(book.vectors[0], torch.full((3,), 6.0))


def test_dead_codes_become_vectors_of_the_batch():
    vectors = torch.randn(64, 2, generator=generator())
    book = started(vectors)
    book.vectors[3], book.sums[3], book.counts[3] = 1e3, 0.0, 0.0
    book.follow(vectors, book(vectors), generator())
    assert (vectors == book.vectors[3]).all(1).any()
    assert book.counts[3] == len(vectors) / 4
    assert len(book(vectors).unique()) == 4


def test_every_code_is_in_use_again_after_all_vectors_moved_away():
    vectors = torch.randn(256, 2, generator=generator())
    book = started(vectors, codes=8)
    moved = 0.1 * vectors + 50
    for step in range(150):
        book.follow(moved, book(moved), generator(step))
    assert len(book(moved).unique()) == 8


def test_as_many_numbers_are_drawn_with_and_without_dead_codes():
    vectors = torch.randn(64, 2, generator=generator())
    with_dead, without = started(vectors), started(vectors)
    with_dead.counts[0] = with_dead.sums[0] = 0.0
    generators = generator(1), generator(1)
    for book, drawn in zip((with_dead, without), generators, strict=True):
        book.follow(vectors, book(vectors), drawn)
    assert torch.equal(generators[0].get_state(), generators[1].get_state())
