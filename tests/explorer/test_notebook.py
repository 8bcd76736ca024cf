"""A map in JupyterLab, installed beside a `models` of the notebook's own; and what is refused."""

import importlib.util
import json
import re
from contextlib import closing

import numpy as np
import psutil
import pytest

from explorer.notebook import explore
from models.storage.checkpoint import read
from tests.helpers.browser_page import (
    MAP,
    assert_beta_moves_codes,
    assert_equal_pictures,
    canvas_pixels,
    isolated,
    lens,
    next_frame,
    pins,
    place,
    selected,
    signed,
    spots,
    torch_pixels,
)
from tests.helpers.chromium import TIMEOUT
from tests.helpers.jupyter import install, jupyter_lab, notebook_python, run_cell, write_notebook
from tests.helpers.paths import OUTPUT, ROOT
from tests.helpers.processes import wait

DIGITS_FILE = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"
DIGITS = read(DIGITS_FILE)
SAY = (
    "import sys; print('said', json.dumps([{0}.pins, {0}.point, {0}.selection, "
    "'torch' in sys.modules, models.NAME]))"
)
OWN = """
import numpy as np
class Own:
    def encode(self, images):
        return 3 * images[:, 0, 2, 3:5] - 1, np.full((len(images), 2), -2.0)
    def decode(self, z):
        images = np.full((len(z), 1, 8, 8), 0.2)
        images[:, 0, 2, 3:5] = ((np.sin(9 * z) + 1) / 2)
        return images
own = explore(Own(), np.random.default_rng(0).random((40, 8, 8)), list("ab" * 20))
own.pins = [[0.25, -0.5]]
own
"""
CELLS = [
    "import json, models\nfrom explorer.notebook import explore\n"
    "view = explore('digits-2d-beta-1')\nview",
    "view.pins = [[0.5, -0.25], [1, 1]]; view.point = 58; view.selection = [3, 1]; print('set')",
    SAY.format("view"),
    "print('saved', view.save_html('map.html'))",
    OWN,
    SAY.format("own"),
    "view.pins = [[1, 2, 3]]",
    "view.close(); own.close(); print('closed')",
    "view.close()\nmany = explore('digits-2d-multirate')\nmany",
]


def said(page, number):
    text = run_cell(page, number, "said .*")
    return json.loads(text.partition("said ")[2])


def processes_of(folder):
    """Those whose command line names a file below a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        found += [process] if any(str(folder / "explorer") in word for word in words) else []
    return found


@pytest.fixture
def opened(chromium, tmp_path):
    """A notebook in JupyterLab, beside a package that is called `models`: page, folder, site."""
    python, site, folder = notebook_python(), tmp_path / "site", tmp_path / "work"
    install(python, site)
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "__init__.py").write_text("NAME = 'theirs'\n")
    write_notebook(folder / "map.ipynb", CELLS)
    view = {"width": 1440, "height": 2400}
    with (
        jupyter_lab(python, folder, site) as address,
        closing(chromium.new_context(**{"viewport": view})) as context,
    ):
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.goto(f"{address}/lab/tree/map.ipynb")
        page.locator(".jp-CodeCell .cm-content").nth(len(CELLS) - 1).wait_for()
        page.locator(".jp-NotebookPanel-toolbar [title*=idle], [data-status=idle]").first.wait_for()
        yield page, folder, site


def wait_for_points(page, count):
    """Until the last map has its points."""
    page.wait_for_function(f"(count) => {MAP}?.nearest && {MAP}.loaded?.count === count", arg=count)
    next_frame(page)


@pytest.mark.browser
@pytest.mark.optional
@pytest.mark.slow
def test_the_map_lives_in_jupyterlab_beside_a_models_of_the_notebook(opened):
    page, folder, site = opened
    run_cell(page, 0)
    wait_for_points(page, 500)
    assert processes_of(site) == [], "the program ends with its answer"

    x, y, *z = spots(page, 5)[2]
    page.mouse.move(x, y)
    assert_equal_pictures(lens(page, f"z₁ {signed(z[0])}"), torch_pixels(DIGITS, z))

    page.locator(".latent-map .stage").focus()
    for key in ("d", "d"):  # in JupyterLab: delete the cell
        page.keyboard.press(key)
    next_frame(page)
    assert page.locator(".jp-CodeCell").count() == len(CELLS)
    assert page.locator(".latent-map").count() == 1

    run_cell(page, 1, "set")
    page.wait_for_function(f"() => {MAP}.pins.all.length === 2 && {MAP}.point === 58")
    page.wait_for_function(f"() => {MAP}.selection.chosen.length === 2")
    assert [pin["z"] for pin in pins(page)] == [[0.5, -0.25], [1, 1]]
    assert page.locator(".layer.pins button").count() == 2
    page.get_by_role("heading", name=re.compile(r"^Image 58\b")).wait_for()
    decoded = page.locator(".list canvas").first
    assert_equal_pictures(canvas_pixels(decoded), torch_pixels(DIGITS, [0.5, -0.25]))
    wait(lambda: page.locator(".film .cell canvas").count() == 16)

    (image,) = isolated(DIGITS.codes, 1)
    page.mouse.click(*place(page, image))
    wait(lambda: selected(page) == image)
    codes = DIGITS.codes.mean[image]

    def is_told():
        shown, point, selection, has_torch, name = said(page, 2)
        assert (selection, has_torch, name) == ([1, 3], False, "theirs")
        return len(shown) == 3 and point == image and np.allclose(shown[2]["z"], codes)

    wait(is_told)
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / "notebook.png")

    run_cell(page, 3, "saved")
    text = (folder / "map.html").read_text()
    assert f'"point": {image}' in text and "https://" not in text.partition("<script")[0]

    run_cell(page, 6, "a pin must be 2 finite numbers")
    assert len(pins(page)) == 3

    run_cell(page, 8)
    wait_for_points(page, 500)
    assert_beta_moves_codes(page)


@pytest.mark.browser
@pytest.mark.optional
@pytest.mark.slow
def test_a_model_of_the_notebook_decodes_in_its_kernel(opened):
    page, _, site = opened
    run_cell(page, 0)
    wait_for_points(page, 500)
    run_cell(page, 4)
    second = "[...document.querySelectorAll('.latent-map')].at(-1)?.latentMap"
    page.wait_for_function(f"() => {second}?.loaded?.count === 40 && {second}.pins.all.length")
    assert "rgb(255, 255, 255)" in page.locator(".latent-notebook").first.get_attribute("style")
    note = page.locator(".latent-map").last.locator(".list .approximate")
    wait(lambda: note.inner_text() == "Exact: decoded by your model.")
    shown = canvas_pixels(page.locator(".latent-map").last.locator(".list canvas"))
    expected = np.round((np.sin(9 * np.array([0.25, -0.5])) + 1) / 2 * 255)
    assert np.abs(shown[2, 3:5, 0] - expected).max() <= 1
    assert said(page, 5)[0] == [{"z": [0.25, -0.5], "name": "A", "point": None}]
    run_cell(page, 7, "closed")
    wait(lambda: page.locator(".latent-map").count() == 0)
    assert processes_of(site) == []


def test_without_anywidget_one_sentence_says_what_to_install():
    if importlib.util.find_spec("anywidget"):
        pytest.skip("anywidget is installed")
    with pytest.raises(ImportError, match=r"^anywidget must be installed .*: run %pip install"):
        explore("digits-2d-beta-1")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"model": object()}, "the model must have encode"),
        ({"model": "digits-2d-beta-1", "labels": [1]}, "images must go with a model of your own"),
    ],
)
def test_what_cannot_be_shown_is_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        explore(**given)
