"""The app as a visitor meets it: a real server, a real Chromium."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from models.runs.folder import Run
from models.storage.checkpoint import read
from tests.helpers.browser_page import (
    MAP,
    assert_equal_pictures,
    assert_fits,
    canvas_pixels,
    click_image,
    in_link,
    isolated,
    place,
    settle,
    torch_pixels,
    wait_for_map,
)
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait
from tests.helpers.workers import descendants, supervisors

pytestmark = pytest.mark.browser


LOOKS = {
    "digits": ("", 500),
    "selected": ("point=58&panel=grid", 500),
    "autoencoder": ("model=digits-autoencoder&point=10&panel=prior", 500),
    "thirty": ("model={thirty}&colour=elbo&point=3", 40),
}


@pytest.mark.parametrize(
    "look",
    ["digits", *(pytest.param(look, marks=pytest.mark.slow) for look in list(LOOKS)[1:])],
)
def test_the_screen_fits_and_shows_every_point(visit, look, thirty):
    query, count = LOOKS[look]
    page = visit(query.format(thirty=thirty))
    wait_for_map(page, count)
    assert_fits(page, look)
    assert page.evaluate(f"() => {MAP}.scatter.shown.length") == count


@pytest.fixture(scope="module")
def thirty(runs_dir):
    """A run of thirty latents, gone afterwards."""
    name = make_run(runs_dir, latent_dim=30, title="thirty latents")
    yield name
    shutil.rmtree(runs_dir / name)


def new_supervisors(process, before):
    """The supervisors of work that a process has started since."""
    return set(supervisors(process.pid)) - before


def hold_new_work(process, before):
    """Stops the work that a process has started since, so that it does not end by itself."""
    (supervisor,) = wait(lambda: new_supervisors(process, before))
    # a child of the supervisor looks like it until it has become the worker
    for worker in wait(lambda: set(descendants(supervisor)) - set(supervisors(supervisor))):
        os.kill(worker, signal.SIGSTOP)


def isolated_on_map(page):
    """The image whose point lies farthest from all others where the map has them."""
    places = np.array(page.evaluate(f"() => [...{MAP}.scatter.content.positions]")).reshape(-1, 2)
    distance = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    return int(distance.min(1).argmax())


def test_tsne_shows_its_progress_can_be_cancelled_and_ends_in_the_map(visit, server, runs_dir):
    name = make_run(runs_dir, count=300, title="no map yet")
    stored = read(Run(runs_dir / name).model_path)
    page = visit(f"model={name}")
    wait_for_map(page, 300)
    before, maps = set(supervisors(server[1].pid)), set((runs_dir / ".maps").glob("*"))
    page.get_by_text("t-SNE", exact=True).click()
    hold_new_work(server[1], before)
    page.get_by_text("t-SNE of 300 codes").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    page.get_by_text("Exact: a point’s place").wait_for()
    settle(page)
    pressed = page.locator(".st-key-control-view [aria-checked=true]")
    wait(lambda: pressed.all_inner_texts() == ["Two latents"])
    page.wait_for_function("() => !location.search.includes('view=')")
    wait(lambda: not new_supervisors(server[1], before))
    wait(lambda: set((runs_dir / ".maps").glob("*")) == maps)

    page.get_by_text("t-SNE", exact=True).click()
    page.get_by_text("Not exact: t-SNE").wait_for()
    title = f"() => {MAP}?.scatter.content?.titles.x"
    wait(lambda: page.evaluate(title) == "t-SNE 1 (no unit)")  # the words come before the picture
    wait_for_map(page, 300)
    in_link(page, "view=tsne")
    wait(lambda: pressed.all_inner_texts() == ["t-SNE"])
    page.get_by_role("progressbar").wait_for(state="detached")
    image = isolated_on_map(page)
    page.mouse.move(*place(page, image))
    page.locator(".latent-panel .original", has_text=f"Image {image} ·").wait_for()
    shown = canvas_pixels(page.locator(".lens canvas"))
    assert_equal_pictures(shown, torch_pixels(stored, stored.codes.mean[image]))


@pytest.fixture
def strange_runs(runs_dir):
    """A run that is broken, and one with markup for class names; both gone afterwards."""
    names = ["![x](http://127.0.0.1:9/x.png)", "<img src=http://127.0.0.1:9/y.png>", "c", "d"]
    made = break_run(runs_dir), make_run(runs_dir, names=names)
    yield *made, names
    for name in made:
        shutil.rmtree(runs_dir / name, ignore_errors=True)


def test_what_is_broken_is_one_sentence_without_paths(visit, server, runs_dir, strange_runs):
    broken, mine, names = strange_runs
    codes = read(Run(runs_dir / mine).model_path).codes
    page, requests = visit(f"model={mine}&point=0"), []
    page.on("request", lambda request: requests.append(request.url))
    wait_for_map(page, 40)
    page.get_by_role("heading", name=f"Image 0 · {names[0]}").wait_for()
    page.get_by_text(f"The model {broken} cannot be opened:").wait_for()

    shutil.rmtree(runs_dir / mine)
    click_image(page, isolated(codes, 1)[0])  # what is open stays so
    page.get_by_text("PCA", exact=True).click()
    page.get_by_text("The “model” in the link is not possible here").wait_for()
    wait_for_map(page, 10_000)  # the model of the first screen
    text = page.inner_text("body")
    assert "Traceback" not in text and 'File "' not in text
    assert str(runs_dir) not in text and str(ROOT) not in text
    assert all(url.startswith((server[0], "data:", "blob:")) for url in requests)
    assert server[1].poll() is None


@pytest.mark.promise
def test_collecting_garbage_does_not_stall_the_server():
    code = """
import gc, time
import streamlit, explorer.views.latent_map
from explorer.services import warm_up
warm_up.import_and_freeze()
times = []
for _ in range(20):
    start = time.perf_counter()
    gc.collect(2)
    times.append(time.perf_counter() - start)
print(min(times))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) <= 0.010
