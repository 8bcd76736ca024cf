"""The film of a training: served whole or in part, seen while it runs, played, compared, saved."""

import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from explorer.assets import store
from explorer.jobs.job import Job
from explorer.services import job_queue, page_files
from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.runs.folder import Run, list_runs
from models.runs.train import execute
from models.training import snapshots
from tests.helpers.app_test import charts, choose, component_data, open_view, said
from tests.helpers.browser_page import (
    assert_fits,
    canvas_pixels,
    settle,
    wait_for_map,
)
from tests.helpers.checkpoints import make_run
from tests.helpers.processes import wait

SMALL = RunConfig(
    "digits",
    ModelConfig(image_shape=(1, 8, 8), hidden=(8,)),
    ObjectiveConfig(),
    TrainingConfig(epochs=3, batch_size=64, warmup_steps=5),
)


def trained(runs_dir, title="small", config=SMALL):
    run = Run.create(runs_dir, config, title)
    list(execute(run))
    return run


def answer(run, after="-1"):
    """What the server's route answers."""
    return store._answer_film(SimpleNamespace(path_params={"run": run, "after": after}))


def films(at):
    """What the components of the page were given."""
    return [component_data(element) for element in at.get("bidi_component")]


# --- the route -----------------------------------------------------------------------------------


def test_a_film_is_served_whole_and_in_part(no_runs):
    run = trained(no_runs)
    whole, part = answer(run.id), answer(run.id, "20")
    assert whole.status_code == part.status_code == 200
    assert whole.body == snapshots.stream_snapshots(run.folder)
    assert part.body == snapshots.stream_snapshots(run.folder, 20) and len(part.body) < len(
        whole.body
    )
    assert whole.headers["cache-control"] == "no-store"
    assert store.film_url(run.id) == f"/latent/film/{run.id}"


@pytest.mark.parametrize("run", ["", ".", "..", "../x", "%2e%2e", "a\0b", "*", "x" * 300, "none"])
def test_of_no_run_there_is_no_film(run, no_runs):
    trained(no_runs)
    found = answer(run)
    assert (found.status_code, found.body) == (
        404,
        b"This film no longer exists: reload the page.",
    )


@pytest.mark.parametrize("after", ["", "x", "1e9", "9" * 5000, "-", "²"])
def test_a_step_that_is_none_is_refused_or_cut(after, no_runs):
    run = trained(no_runs)
    assert answer(run.id, after).status_code == (200 if after.startswith("9") else 404)


def test_a_run_without_a_film_answers_with_an_empty_list(no_runs):
    assert b"[]" in answer(make_run(no_runs)).body


# --- the page ------------------------------------------------------------------------------------


def test_the_chosen_run_shows_its_film(no_runs):
    run = trained(no_runs)
    (data,) = films(open_view("train"))
    assert data["films"] == [{"url": f"/latent/film/{run.id}", "name": "small"}]
    assert data["live"] is False and len(data["colours"]) == 10


def test_a_run_of_before_says_that_it_has_none(no_runs):
    shutil.rmtree(snapshots.snapshot_folder(trained(no_runs).folder))
    at = open_view("train")
    assert films(at) == [] and "it was trained before films were kept" in said(at)


def test_an_uploaded_model_says_that_it_has_none(no_runs):
    make_run(no_runs)
    at = open_view("train")
    assert films(at) == [] and "a model file holds neither a film nor curves" in said(at)


def test_another_film_can_be_beside_and_the_link_says_so(no_runs):
    one, two = trained(no_runs, "one"), trained(no_runs, "two")
    newest = list_runs(no_runs)[0]
    other = one if newest == two else two
    at = choose(open_view("train"), "beside-own", other.id)
    at = choose(at, "in-step-own", "step")
    (data,) = films(at)
    assert [film["name"] for film in data["films"]] == [newest.title, other.title]
    assert data["inStep"] == "step" and at.query_params["beside-own"] == other.id
    again = open_view("train", **{"beside-own": other.id, "in-step-own": "step"})
    assert films(again) == [data]


def test_a_training_is_live_and_without_a_frame_it_waits(no_runs, monkeypatch):
    run = Run.create(no_runs, SMALL, "new")
    job, nothing = Job("a", "new", "running", runs=(run.id,)), lambda _: None
    desk = SimpleNamespace(all=lambda: [job], prepare=tuple, pause=nothing, cancel=nothing)
    monkeypatch.setattr(job_queue, "jobs", lambda: desk)
    (data,) = films(open_view("train"))
    assert data["live"] is True


def test_curves_are_built_once_for_all_who_look(no_runs, monkeypatch):
    trained(no_runs)
    built = []
    make = page_files._built
    monkeypatch.setattr(
        "explorer.views.train.active_jobs._curves",
        lambda run, config: built.append(run.id) or {},
    )
    make.clear()
    for _ in range(3):
        assert charts(open_view("train")) == {}
    assert len(built) == 1


# --- in the browser ------------------------------------------------------------------------------


def film_of(page, place=0):
    return page.locator(".training-film").nth(place)


def position(page):
    return page.evaluate("() => document.querySelector('.training-film').player.position")


def steps(page, film=0):
    return page.evaluate(
        "(i) => document.querySelector('.training-film')?.player?.films[i]?.steps ?? []", film
    )


def newest(page):
    """The last step that has a frame on the page."""
    return max(steps(page), default=-1)


@pytest.mark.browser
def test_a_map_is_seen_to_move_while_it_learns(visit, server, runs_dir):
    page = visit("epochs=1000&batch=16&title=watched", screen="train")
    page.get_by_text(re.compile("parameters · 81,000 steps")).wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    canvas = film_of(page).locator(".codes canvas.points")
    canvas.wait_for(state="visible")
    for _ in range(2):
        last, pixels = newest(page), canvas_pixels(canvas)
        wait(lambda last=last: newest(page) > last)  # frames flow in
        wait(lambda pixels=pixels: not np.array_equal(canvas_pixels(canvas), pixels))  # codes move
    wait(lambda: position(page) >= 1)
    film_of(page).get_by_role("slider").press("ArrowLeft")
    live = film_of(page).get_by_role("button", name="Live")
    wait(lambda: live.get_attribute("aria-pressed") == "false")
    at, last = position(page), newest(page)
    wait(lambda: newest(page) > last)
    assert position(page) == at, "scrubbed, it stays where it is"
    live.click()
    page.wait_for_function(f"() => document.querySelector('.training-film').player.position > {at}")
    assert_fits(page, "film-live")
    page.get_by_role("button", name="Stop and keep").click()
    page.get_by_role("button", name="Continue").wait_for()
    film_of(page).get_by_text(re.compile(r"^Step [\d,]+ of 81,000, epoch")).wait_for()
    (run,) = (run for run in list_runs(runs_dir) if run.title == "watched")
    wait(lambda: steps(page) == snapshots.snapshot_steps(run.folder))
    page.goto(f"{server[0]}/?model={run.id}")
    wait_for_map(page, 500)
    page.goto(f"{server[0]}/train")
    wait(lambda: steps(page) == snapshots.snapshot_steps(run.folder))
    kept = snapshots.snapshot_steps(run.folder)[-1]
    page.get_by_role("button", name="Continue").click()
    wait(lambda: max(steps(page), default=0) > kept)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text(re.compile(r"was cancelled at \d+%")).wait_for()


@pytest.mark.browser
def test_a_film_is_played_scrubbed_compared_and_saved(visit, server, runs_dir, tmp_path):
    first, second = trained(runs_dir, "first"), trained(runs_dir, "second")
    page = visit(f"own={second.id}&beside-own={first.id}", screen="train")
    wait(lambda: steps(page) == steps(page, 1) == snapshots.snapshot_steps(second.folder))
    settle(page)
    film = film_of(page)
    canvases = film.locator(".codes canvas.points")
    last = snapshots.read_snapshot(second.folder, 60)
    total = last.distortion + last.rate
    words = f"D {last.distortion:.2f} + R {last.rate:.2f} = −ELBO {total:.2f} nats"
    film.get_by_text(re.compile(f"^{re.escape(words)} per image, mean of 500 test images")).nth(
        1
    ).wait_for()
    last_place = len(steps(page)) - 1
    wait(lambda: position(page) == last_place)
    # the same training twice, on one scale
    wait(lambda: np.array_equal(*(canvas_pixels(canvases.nth(i)) for i in (0, 1))))
    shown = canvas_pixels(canvases.nth(0))
    row = film.locator(".rows .images").nth(1).locator("canvas")
    assert np.array_equal(canvas_pixels(row.nth(3))[..., 0], last.reconstruction[3, 0])
    film.get_by_role("slider").press("Home")
    film.get_by_text("Step 0 of 60, epoch 0").first.wait_for()
    wait(lambda: not np.array_equal(canvas_pixels(canvases.nth(0)), shown))
    film.get_by_label("Speed").select_option("0.5")  # it is not to end before it is paused
    film.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('.training-film').player.position > 0.2")
    film.get_by_role("button", name="Pause").click()
    with page.expect_download() as download:
        film.get_by_role("button", name="Save GIF").click()
    download.value.save_as(tmp_path / "training.gif")
    with Image.open(tmp_path / "training.gif") as picture:
        assert picture.n_frames >= len(steps(page)) and picture.width > 600
        first_frame = np.asarray(picture.convert("RGB"))
        greys = first_frame[320:, :610].reshape(-1, 3)
        assert (np.ptp(greys, 1) == 0).all(), "few colours in all: none of them is rounded"
        picture.seek(len(steps(page)) - 1)
        assert not np.array_equal(first_frame, np.asarray(picture.convert("RGB")))
    with page.expect_download() as download:
        film.get_by_role("button", name="Save PNG").click()
    download.value.save_as(tmp_path / "training.png")
    with Image.open(tmp_path / "training.png") as picture:
        assert picture.size[0] == 2 * 610
    assert_fits(page, "film-two")


@pytest.mark.browser
def test_a_point_under_the_pointer_names_its_image(visit, runs_dir):
    run = trained(runs_dir)
    page = visit(f"own={run.id}", screen="train")
    wait(lambda: steps(page) == snapshots.snapshot_steps(run.folder))
    film_of(page).get_by_text("Step 60 of 60, epoch 3").wait_for()
    settle(page)
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()  # what is above stands
    stage = film_of(page).locator(".codes")
    stage.scroll_into_view_if_needed()
    codes = "document.querySelector('.training-film').player.films[0].codes"
    found = page.evaluate(f"() => Array.from({codes}.scatter.stagePlaces())")
    x, y = found[6:8]  # of test image 3; another may lie as near
    page.mouse.move(stage.bounding_box()["x"] + x, stage.bounding_box()["y"] + y)
    film_of(page).get_by_text(re.compile(r"^Test image \d+, class \d$")).wait_for()
    n = page.evaluate(f"() => {codes}.touched")
    assert np.hypot(found[2 * n] - x, found[2 * n + 1] - y) <= 1
    page.mouse.move(0, 0)
    wait(lambda: page.evaluate(f"() => {codes}.touched") is None)


@pytest.mark.browser
@pytest.mark.parametrize("latents", [1, 5])
def test_a_film_of_any_number_of_latents(latents, visit, server, runs_dir):
    config = RunConfig(
        "digits",
        ModelConfig(image_shape=(1, 8, 8), hidden=(8,), latent_dim=latents),
        training=TrainingConfig(epochs=2, batch_size=64),
    )
    run = trained(runs_dir, f"{latents} latents", config)
    page = visit(f"own={run.id}", screen="train")
    wait(lambda: steps(page) == snapshots.snapshot_steps(run.folder))
    canvas = film_of(page).locator(".codes canvas.points")
    wait(lambda: len(np.unique(canvas_pixels(canvas).reshape(-1, 3), axis=0)) > 8)  # classes
    wait(lambda: position(page) == len(steps(page)) - 1)
    before = canvas_pixels(canvas)
    choices = film_of(page).get_by_label(re.compile("Latent (across|upward)"))
    assert choices.count() == (2 if latents > 2 else 0)
    if latents > 2:
        chosen = choices.nth(0).input_value()
        choices.nth(0).select_option(next(str(j) for j in range(5) if str(j) != chosen))
        wait(lambda: not np.array_equal(canvas_pixels(canvas), before))
