"""The trade-off: which runs are compared, what is reported of them, and the slider over β."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.assets import store
from explorer.services import catalogue, job_queue, rate_distortion
from explorer.widgets import pictures
from models.config import RunConfig
from models.data.builtin import load_digits
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read, restore
from models.sweeps.convergence import slope_bounds
from models.theory.linear_vae import linear_curve
from tests.helpers.app_test import open_view, said, told
from tests.helpers.browser_page import (
    assert_equal_pictures,
    assert_fits,
    canvas_pixels,
    in_link,
    next_frame,
    settle,
)
from tests.helpers.checkpoints import make_run
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

DIGITS = {
    path.stem: read(path)
    for path in sorted((ROOT / "checkpoints").glob("digits-2d-beta-*.safetensors"))
}


def at_beta(checkpoint, beta, seed=0, shift=0.0):
    """The same checkpoint as if of another β or seed, its D moved by `shift` nats."""
    card = checkpoint.card
    config = replace(
        card.config,
        objective=replace(card.config.objective, beta=beta),
        training=replace(card.config.training, seed=seed),
    )
    mean, error = card.metrics["distortion"]
    metrics = {**card.metrics, "distortion": [mean + shift, error]}
    return replace(checkpoint, card=replace(card, config=config, metrics=metrics))


ONE = DIGITS["digits-2d-beta-1"]


def cards(checkpoints):
    return {name: checkpoint.card for name, checkpoint in checkpoints.items()}


def test_series_are_runs_that_differ_in_beta_and_seed_alone():
    other = replace(ONE.card.config, model=replace(ONE.card.config.model, hidden=(7,)))
    runs = {
        "b": at_beta(ONE, 4.0),
        "a": at_beta(ONE, 0.5, seed=3),
        "other": replace(ONE, card=replace(ONE.card, config=other)),
    }
    assert rate_distortion.series(cards(runs)) == [["a", "b"]]
    changed = at_beta(ONE, 2.0)
    runs["changed"] = replace(changed, card=replace(changed.card, changes=("after step 40",)))
    assert rate_distortion.series(cards(runs)) == [["a", "b"]]


def test_seeds_are_averaged_with_students_interval():
    runs = {str(i): at_beta(ONE, 1.0, seed=i, shift=s) for i, s in enumerate((0.0, 1.0, 2.0))}
    runs["again"] = at_beta(ONE, 1.0, seed=2, shift=2.0)  # the same run twice is one
    (found,) = rate_distortion.seeds(cards(runs))
    assert (found.beta, found.count) == (1.0, 3)
    assert found.distortion == pytest.approx(ONE.card.metrics["distortion"][0] + 1)
    assert found.distortion_half == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)
    assert found.rate_half == pytest.approx(0, abs=1e-12)


def test_other_images_or_another_likelihood_are_another_group():
    gaussian = replace(ONE.card.config.model, likelihood="gaussian", sigma=0.5)
    config = replace(ONE.card.config, model=gaussian)
    other = replace(ONE, card=replace(ONE.card, config=config))
    moved = replace(ONE, card=replace(ONE.card, data_fingerprint="f" * 16))
    groups = {rate_distortion.group_of(one.card) for one in (ONE, other, moved, at_beta(ONE, 9.0))}
    assert len(groups) == 3
    wider = replace(config, model=replace(gaussian, sigma=0.6))
    assert rate_distortion.group_of(replace(ONE.card, config=wider)) not in groups


def test_optimal_models_are_not_blamed_and_a_worse_one_is():
    eigenvalues = np.array([4.0, 2.0, 1.0, 0.5, 0.25])
    betas = [0.5, 1.0, 2.0, 4.0]
    rate, distortion = linear_curve(eigenvalues, 5, 0.5**0.5, betas)
    assert rate_distortion.verdicts(betas, slope_bounds(betas, distortion, rate)) == []
    distortion[2] += 3.0
    sentences = rate_distortion.verdicts(betas, slope_bounds(betas, distortion, rate))
    assert len(sentences) == 2
    assert all(sentence.endswith("or overfitted, at β = 2.") for sentence in sentences)


def test_shipped_models_are_checked_on_their_own_codes():
    betas, found = rate_distortion.check(list(DIGITS.values()))
    assert betas == [0.1, 1.0, 4.0]
    codes = [DIGITS[f"digits-2d-beta-{beta}"].codes for beta in ("0.1", "1", "4")]
    means = np.array([[c.distortion.mean(), c.rate.sum(1).mean()] for c in codes])
    slope = -np.diff(means[:, 0]) / np.diff(means[:, 1])
    assert found.slope == pytest.approx(slope, rel=1e-4)
    assert rate_distortion.check([ONE]) is None


# --- the screen ----------------------------------------------------------------------------------


def train_multirate(runs_dir):
    """A multi-rate model of the digits, trained for a moment; its id."""
    config = RunConfig.from_json(
        {
            "data": "digits",
            "model": {"family": "multirate", "image_shape": [1, 8, 8], "hidden": [16]},
            "training": {"epochs": 3},
        }
    )
    run = Run.create(runs_dir, config, "every β")
    list(execute(run))
    return run.id


def plane(at):
    return json.loads(store.fetch(told(at)["figure"]))


def test_every_run_of_the_group_is_a_point_with_its_error(no_runs):
    at = open_view("trade_off")
    runs = next(trace for trace in plane(at)["data"] if trace["name"] == "runs")
    assert sorted(runs["customdata"]) == sorted(DIGITS)
    for i, name in enumerate(runs["customdata"]):
        metrics = DIGITS[name].card.metrics
        assert [runs["y"][i], runs["error_y"]["array"][i]] == metrics["distortion"]
        assert [runs["x"][i], runs["error_x"]["array"][i]] == metrics["rate"]
    star = next(trace for trace in plane(at)["data"] if trace["name"].startswith("collapsed"))
    images = load_digits("test").images.reshape(500, -1).astype(np.float64)
    p = images.mean(0).clip(1e-12, 1 - 1e-12)
    assert star["y"] == pytest.approx([-(p * np.log(p) + (1 - p) * np.log(1 - p)).sum()], rel=1e-5)
    titles = [plane(at)["layout"][f"{axis}axis"]["title"]["text"] for axis in "xy"]
    assert titles == ["rate R, nats per image", "distortion D, nats per image"]
    text = " ".join(caption.value for caption in at.caption)
    assert "slope −β" in text


def test_a_clicked_run_is_shown_with_its_scores(no_runs):
    at = open_view("trade_off", run="digits-2d-beta-4")
    d, d_error = DIGITS["digits-2d-beta-4"].card.metrics["distortion"]
    assert f"D {d:.2f} ± {d_error:.2f}" in said(at)


def test_hostile_links_open_the_default(no_runs):
    at = open_view(
        "trade_off", group="<b>", curve="../..", beta="1e9", run="\0", seeds="99", betas="x"
    )
    assert told(at)["beta"] == 1.0
    assert any("must be numbers separated by commas" in caption.value for caption in at.caption)


def test_without_a_vae_the_screen_says_how_to_make_some(no_runs, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path / "nothing")
    make_run(no_runs, family="autoencoder")
    (info,) = open_view("trade_off").info
    assert info.value.startswith("There is no VAE yet.")


@pytest.mark.slow
def test_a_sweep_is_trained_from_the_screen(no_runs):
    at = open_view("trade_off", betas="1,2")
    next(b for b in at.button if b.label == "Train 2 models").click()
    at.run()
    wait(lambda: not any(job.is_live for job in job_queue.jobs().all()))
    assert [job.state for job in job_queue.jobs().all()] == ["done"]
    at.run()
    runs = next(trace for trace in plane(at)["data"] if trace["name"] == "runs")
    assert len(runs["customdata"]) == len(DIGITS) + 2


# --- the slider, in a real browser ---------------------------------------------------------------

ROOM = "document.querySelector('.rates')?.betaSlider"


@pytest.fixture(scope="module")
def every_beta(runs_dir):
    """The id of a multi-rate run on the server's folder."""
    return train_multirate(runs_dir)


def wait_for_room(page):
    """Until plane and curve have come, the plane has the width they leave it, and letters stand.

    Where there is a curve, its pictures make the plane narrower when it is drawn already.
    """
    page.wait_for_function(
        f"""() => {{
            const room = {ROOM}, layout = room?.chart._fullLayout;
            return layout?.xaxis && room.root.querySelector(".state").textContent === ""
                && Math.abs(layout.width - room.chart.clientWidth) < 1
                && document.fonts.status === "loaded";
        }}"""
    )
    settle(page)


def point_at(page, run):
    """Moves the pointer to a run in the plane; where it is, once the plane has felt it."""
    x, y = page.evaluate(
        f"""(run) => {{
            const chart = {ROOM}.chart, box = chart.getBoundingClientRect();
            const {{xaxis, yaxis}} = chart._fullLayout;
            const runs = chart._fullData.find((trace) => trace.name === "runs");
            const at = Array.from(runs.customdata).indexOf(run);
            return [box.x + xaxis._offset + xaxis.l2p(runs.x[at]),
                    box.y + yaxis._offset + yaxis.l2p(runs.y[at])];
        }}""",
        run,
    )
    page.mouse.move(x, y)
    felt = f"(run) => {ROOM}.chart._hoverdata?.some((point) => point.customdata === run)"
    page.wait_for_function(felt, arg=run)
    return x, y


@pytest.mark.browser
def test_the_slider_moves_codes_images_and_point_as_torch_says(visit, every_beta, runs_dir):
    checkpoint = read(Run(runs_dir / every_beta).model_path)
    model = restore(checkpoint).eval()
    images = torch.tensor(load_digits("test").images[:10])
    page = visit(f"curve={every_beta}", "trade-off")
    page.wait_for_function(f"() => {ROOM}?.model && {ROOM}.now")
    for step in (400, 0, 100):  # of 400, evenly in ln β over 0.1 to 100: knots of the curve
        page.locator(".rates input").fill(str(step))
        beta = 0.1 * 1000 ** (step / 400)
        page.wait_for_function(f"(beta) => Math.abs({ROOM}.beta / beta - 1) < 1e-6", arg=beta)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        one = model.at(beta)
        with torch.inference_mode():
            mean, _ = one.encode(images)
            decoded = pictures.to_levels(one.decode(mean).numpy())
            noise = np.random.default_rng(0).normal(size=(10, 2))
            samples = pictures.to_levels(one.decode(torch.tensor(noise).float()).numpy())
        for i in (0, 9):
            row = page.locator(".rates .reconstructions canvas").nth(i)
            assert np.abs(canvas_pixels(row).astype(int) - decoded[i]).max() <= 2  # float16 codes
            shown = canvas_pixels(page.locator(".rates .samples canvas").nth(i))
            assert_equal_pictures(shown, samples[i])
    before = page.evaluate(f"() => {ROOM}.now")
    page.locator(
        ".rates .scores", has_text=f"at β = 0.562: D {before['distortion']:.2f}"
    ).wait_for()
    page.locator(".rates input").fill("107")  # between two measured β: the nearest one's scores
    page.wait_for_function(f"() => {ROOM}.beta > 0.6")
    next_frame(page)
    between = page.evaluate(f"() => {ROOM}.now")
    assert between["distortion"] != before["distortion"], "on the curve it is in between"
    k = np.argmin(np.abs(np.log(checkpoint.rates.betas / 0.1) - 107 / 400 * np.log(1000)))
    exact = checkpoint.rates.distortion[k]
    page.locator(".rates .scores", has_text=f"D {exact:.2f}").wait_for()
    page.locator(".rates input").fill("100")
    in_link(page, r"\bbeta=0\.5623\b")

    page.get_by_role("button", name="Play").click()
    wait(lambda: page.evaluate(f"() => {ROOM}.beta") > 1.0)
    page.get_by_role("button", name="Pause").click()


@pytest.mark.browser
def test_codes_lie_where_the_model_has_them(visit, every_beta):
    page = visit(f"curve={every_beta}", "trade-off")
    page.wait_for_function(f"() => {ROOM}?.model && {ROOM}.now")
    settle(page)
    page.locator(".rates input").fill("0")
    page.wait_for_function(f"() => {ROOM}.beta < 0.11")
    next_frame(page)
    shown = page.evaluate(f"() => Array.from({ROOM}.codes.scatter.content.positions)")
    least = page.evaluate(f"() => Array.from({ROOM}.model.arrays.mean.subarray(0, 1000))")
    assert len(shown) == 1000 and shown == least, "500 codes at β = 0.1"


@pytest.mark.browser
def test_the_map_of_codes_zooms_and_hides_classes(visit, every_beta):
    page = visit(f"curve={every_beta}", "trade-off")
    page.wait_for_function(f"() => {ROOM}?.model && {ROOM}.now")
    wait_for_room(page)
    stage, scatter = page.locator(".rates .codes"), f"{ROOM}.codes.scatter"
    stage.scroll_into_view_if_needed()
    next_frame(page)
    box = stage.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    view = f"() => {scatter}.view.x"
    home, points = page.evaluate(view), canvas_pixels(stage.locator("canvas.points"))
    page.mouse.move(*middle)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    wait(lambda: page.evaluate(view)[1] < home[1])
    wait(lambda: not np.array_equal(canvas_pixels(stage.locator("canvas.points")), points))
    zoomed = page.evaluate(view)
    page.locator(".rates input").fill("30")
    page.wait_for_function(f"() => {ROOM}.beta < 0.2")
    next_frame(page)
    assert page.evaluate(view) == zoomed, "it stays where it is while codes move"
    page.mouse.dblclick(*middle)
    wait(lambda: page.evaluate(view) == home)
    page.locator(".rates .moving .legend").get_by_role("button", name="7").click()
    kept = (load_digits("test").labels != 7).sum()
    assert page.evaluate(f"() => {scatter}.shown.length") == kept


@pytest.mark.browser
def test_plotly_comes_with_the_page_that_has_a_chart(visit):
    page, scripts = visit(), []
    page.on(
        "response",
        lambda answer: (
            answer.request.resource_type == "script"
            and answer.url.startswith("http")
            and scripts.append(answer.url)
        ),
    )

    def with_plotly():
        return [url for url in scripts if "plotly.js v" in page.request.get(url).text()]

    page.reload()
    page.wait_for_function("() => document.querySelector('.latent-map')?.latentMap?.nearest")
    settle(page)
    assert len(scripts) > 5
    assert with_plotly() == []
    page.get_by_role("link", name="What does β do?").click()
    page.wait_for_function(f"() => {ROOM}?.chart?._fullData?.length")
    assert with_plotly()


@pytest.mark.browser
def test_a_click_on_a_run_opens_its_scores(visit):
    page = visit("", "trade-off")
    wait_for_room(page)
    page.mouse.click(*point_at(page, "digits-2d-beta-1"))
    page.wait_for_function("() => location.search.includes('run=digits-2d-beta-1')")
    link = page.get_by_role("link", name=re.compile("Open its map"))
    link.wait_for()
    assert link.get_attribute("href").endswith("?model=digits-2d-beta-1")


@pytest.mark.browser
def test_the_trade_off_fits(visit, every_beta):
    page = visit(f"curve={every_beta}", "trade-off")
    page.wait_for_function(f"() => {ROOM}?.model && {ROOM}.now")
    wait_for_room(page)
    assert_fits(page, "trade-off")
