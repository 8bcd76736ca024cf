"""Diffusion without a network: the schedule, noising, DDIM forwards and backwards, grey levels."""

import itertools
import math

import pytest
import torch

from models.objectives.denoising import (
    ANCESTRAL,
    BEST,
    INVERTIBLE,
    add_noise,
    alpha_bars,
    ddim_inverse,
    ddim_path,
    ddim_variance,
    grey_levels,
    guess_clean,
    level_log_prob,
    noise_between,
    signal_to_noise,
    spread_times,
    step_times,
    step_weights,
)

T = 200
SHARES = alpha_bars(T)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("steps", [1, 10, 200, 1000])
def test_the_signal_falls_at_every_step_and_never_to_nothing(steps):
    shares = alpha_bars(steps)
    ratio = signal_to_noise(shares)
    assert shares[0] == 1 and len(shares) == steps + 1
    assert (ratio[1:] < ratio[:-1]).all()
    assert 0 < shares[-1] < 1e-3


def test_the_schedule_needs_a_step():
    with pytest.raises(ValueError, match="noise_steps must be at least 1, got 0"):
        alpha_bars(0)


@pytest.mark.parametrize("time", [1, 50, 150, T])
def test_a_noisy_image_has_the_mean_and_variance_of_the_closed_form(time):
    share = SHARES[time].item()
    clean = torch.tensor([-1.0, 0.25, 1.0]).expand(200_000, 3)
    noisy = add_noise(clean, torch.randn(clean.shape, generator=generator()), share)
    error = 4 * math.sqrt((1 - share) / len(noisy))
    torch.testing.assert_close(noisy.mean(0), math.sqrt(share) * clean[0], rtol=0, atol=error)
    variance = torch.full((3,), 1 - share)
    torch.testing.assert_close(noisy.var(0), variance, rtol=0.02, atol=0)


def test_single_steps_of_noise_add_up_to_one():
    """x_t from x_{t-1} by its own ᾱ_t / ᾱ_{t-1} has the variance of x_t from x_0."""
    variance = 0.0
    for before, after in itertools.pairwise(SHARES):
        kept = (after / before).item()
        variance = kept * variance + 1 - kept
        assert variance == pytest.approx(1 - after.item(), abs=1e-9)


def test_image_and_noise_are_found_again():
    clean, noise = torch.randn(2, 5, 3, generator=generator(), dtype=torch.float64)
    noisy = add_noise(clean, noise, 0.3)
    torch.testing.assert_close(guess_clean(noisy, noise, 0.3), clean)
    torch.testing.assert_close(noise_between(clean, noisy, 0.3), noise)


def test_times_cover_every_t_equally_often():
    times = torch.stack([spread_times(40, T, generator(seed)) for seed in range(500)])
    assert (times.min(), times.max()) == (1, T)
    counts = torch.bincount(times.flatten() - 1, minlength=T)
    assert counts.float().std() < 4 * math.sqrt(100)
    tenths = ((times - 1) // 20).sort(1).values
    assert (tenths == torch.arange(10).repeat_interleave(4)).all()  # each batch covers them evenly


@pytest.mark.parametrize("steps", [1, 7, T])
def test_a_sampler_walks_from_noise_to_the_image(steps):
    times = step_times(T, steps)
    assert (times[0], times[-1], len(set(times))) == (T, 0, steps + 1)


@pytest.mark.parametrize("steps", [0, T + 1])
def test_steps_have_limits(steps):
    with pytest.raises(ValueError, match=f"steps must be 1 to 200, got {steps}"):
        step_times(T, steps)


def test_fresh_noise_of_every_step_is_that_of_the_posterior():
    for t in (2, 100, T):
        before, now = SHARES[t - 1].item(), SHARES[t].item()
        beta = 1 - now / before
        posterior = (1 - before) / (1 - now) * beta
        assert ddim_variance(now, before, 1.0) == pytest.approx(posterior)
    assert ddim_variance(SHARES[1].item(), 1.0, 1.0) == 0.0


MEAN, SPREAD = 0.3, 0.4


def guess_gaussian(noisy, time):
    """E[ε|x_t] where every pixel is N(MEAN, SPREAD²): the best guess there is."""
    share = SHARES[time].item()
    rest = noisy - math.sqrt(share) * MEAN
    return math.sqrt(1 - share) * rest / (share * SPREAD**2 + 1 - share)


@pytest.mark.parametrize(
    ("sampler", "steps", "error"), [(INVERTIBLE, T, 0.01), (ANCESTRAL, T, 0.05), (BEST, 20, 0.02)]
)
def test_samplers_with_the_best_guess_draw_from_the_data(sampler, steps, error):
    start = torch.randn(100_000, generator=generator(1))
    sampler = sampler._replace(clip=False)
    times = step_times(T, steps)
    *_, end = ddim_path(guess_gaussian, start, times, SHARES, sampler, generator(2))
    assert end.clean.mean().item() == pytest.approx(MEAN, abs=0.01)
    assert end.clean.std().item() == pytest.approx(SPREAD, rel=error)


def test_without_fresh_noise_the_start_decides():
    start = torch.randn(50, generator=generator())
    runs = [
        list(ddim_path(guess_gaussian, start, step_times(T, 10), SHARES, BEST, generator(seed)))
        for seed in (1, 2)
    ]
    assert all(torch.equal(a.noisy, b.noisy) for a, b in zip(*runs, strict=True))


def test_the_second_order_is_nearer_with_as_many_steps():
    start = torch.randn(1000, generator=generator())

    def end(steps, order):
        sampler = INVERTIBLE._replace(order=order)
        *_, last = ddim_path(guess_gaussian, start, step_times(T, steps), SHARES, sampler)
        return last.clean

    exact = end(T, 1)
    assert (end(10, 2) - exact).abs().mean() < 0.5 * (end(10, 1) - exact).abs().mean()


def test_a_clipped_guess_stays_where_images_are():
    start = 3 * torch.randn(1000, generator=generator())
    for moment in ddim_path(guess_gaussian, start, step_times(T, 10), SHARES, BEST):
        assert moment.clean.abs().max() <= 1.001


@pytest.mark.parametrize(("rounds", "error"), [(1, 0.1), (5, 0.005)])
def test_the_walk_back_leads_to_the_noise(rounds, error):
    start = torch.randn(1000, generator=generator())
    times = [1 + time for time in step_times(T - 1, 50)]
    *_, end = ddim_path(guess_gaussian, start, times, SHARES)
    back = ddim_inverse(guess_gaussian, end.noisy, times, SHARES, rounds)
    assert (back - start).square().mean().sqrt() < error


def test_the_weight_of_a_step_is_the_divergence_of_two_gaussians():
    t, error = 100, 0.2
    before, now = SHARES[t - 1].item(), SHARES[t].item()
    kept = now / before
    share_of_clean = math.sqrt(before) * (1 - kept) / (1 - now)  # in the posterior's mean
    divergence = (share_of_clean * error) ** 2 / (2 * ddim_variance(now, before, 1.0))
    assert step_weights(SHARES)[t - 2].item() * error**2 == pytest.approx(divergence)


@pytest.mark.parametrize("levels", [2, 3, 17, 256])
def test_levels_are_counted(levels):
    scale = torch.arange(levels) / (levels - 1)
    assert grey_levels(scale.float()) == levels
    assert grey_levels(torch.rand(1000, generator=generator())) == 256


@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize(("mean", "sigma"), [(0.1, 0.3), (-1.0, 0.01), (5.0, 0.02)])
def test_probabilities_of_the_levels_add_up_to_one(levels, mean, sigma):
    scale = (torch.arange(levels) / (levels - 1) * 2 - 1)[:, None]
    log_prob = level_log_prob(scale, torch.full_like(scale, mean), sigma, levels)
    assert log_prob.isfinite().all()
    assert log_prob.exp().sum().item() == pytest.approx(1, abs=1e-6)
