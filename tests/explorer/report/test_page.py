"""The page of an audit: whole, alone, escaped, and the same in every browser window."""

import html
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from explorer.__main__ import app
from explorer.report.page import report_page
from models.audit.audit import audit
from models.audit.subject import custom_model, stored_model
from tests.helpers.adapters import functions, measure
from tests.helpers.chromium import ARGUMENTS, CHROMIUM, TIMEOUT
from tests.helpers.command_line import assert_refusal
from tests.helpers.paths import ROOT

CHECKPOINTS = ROOT / "checkpoints"
EVIL = "<img src=x onerror=alert(1)>\"'&<!-- title -->"


def call(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


@pytest.fixture(scope="module")
def found():
    return audit(stored_model(CHECKPOINTS / "digits-2d-beta-1.safetensors"))


@pytest.fixture(scope="module")
def page(found):
    return report_page(found, "python -m explorer report").decode()


def test_every_number_has_its_unit_and_interval(page, found):
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page)
    cells = {name: re.findall("<td>(.*?)</td>", rest) for name, rest in rows}
    scores = {name: row for name, row in cells.items() if not name.startswith("z")}
    assert len(scores) == 14 and all(len(row) == 4 and all(row) for row in scores.values())
    assert all(" to " in row[1] or row[1].startswith("exact") for row in scores.values())
    mean, error = found.evidence.distortion
    row = next(row for name, row in scores.items() if name.startswith("D = "))
    interval = f"{mean - 1.96 * error:.2f} to {mean + 1.96 * error:.2f}"
    assert row[:3] == [f"{mean:.2f}", interval, "nats/image"]
    assert page.count("What would change this") == len(found.checks) == 4


def test_no_place_is_left_open_and_nothing_is_fetched(page):
    assert "<!-- " not in page and "{" not in re.sub("<style>.*?</style>", "", page, flags=re.S)
    assert "<script" not in page and "default-src &#x27;none&#x27;" not in page
    addresses = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert addresses and all(address.startswith("data:image/png") for address in addresses)


def test_what_a_model_calls_itself_is_shown_as_text(found):
    card = replace(found.subject.card, title=EVIL, data_name=EVIL)
    images = replace(found.subject.images, class_names=(EVIL,) * 10)
    evil = replace(found, subject=replace(found.subject, card=card, images=images, notes=(EVIL,)))
    page = report_page(evil, EVIL).decode()
    assert "<img src=x" not in page and page.count(html.escape(EVIL)) >= 5


@pytest.mark.parametrize(
    "adapter", [functions(1), functions(3, labels=None), functions(2, likelihood="bernoulli")]
)
def test_an_own_model_of_any_size_has_a_page(adapter):
    found = audit(custom_model(measure(adapter)))
    page = report_page(found).decode()
    assert "Custom model" in page and found.verdict in page
    assert ("Map of the codes" in page) == (found.evidence.latents > 1)


def test_an_autoencoder_has_what_it_can_have():
    page = report_page(audit(stored_model(CHECKPOINTS / "digits-autoencoder.safetensors"))).decode()
    assert "An autoencoder has no posterior" in page and "Every latent" not in page
    assert "nan" not in page.lower().replace("nats", "")


def test_the_command_writes_the_page_and_says_the_verdict(tmp_path):
    file = tmp_path / "a.html"
    done = call(CHECKPOINTS / "digits-2d-beta-4.safetensors", "--html", file)
    assert done.exit_code == 0, done.output
    assert "Fault found: posterior collapse." in done.stdout
    assert "posterior collapse" in file.read_text() and str(tmp_path) not in file.read_text()


@pytest.mark.slow
def test_the_command_runs_an_adapter(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\ndata = 'digits'\nencode = lambda x: (x[:, 0, 3, 2:4], x[:, 0, 0, :2] - 3)\n"
        "decode = lambda z: torch.sigmoid(z.mean(1)).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)\n"
    )
    done = call("--adapter", tmp_path / "mine.py", "--html", tmp_path / "a.html")
    assert done.exit_code == 0, done.output
    assert "mine" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (["--html", "a.html"], "report must be given a model, or --adapter FILE, and not both"),
        (["x", "--adapter", "y.py", "--html", "a.html"], "and not both"),
        (["nowhere.safetensors", "--html", "a.html"], "there is no file 'nowhere.safetensors'"),
        (["x", "--html", "/nowhere/a.html"], "html must be a file in a folder that exists"),
        (["--adapter", "y.txt", "--html", "a.html"], "the adapter must be a Python file (.py)"),
    ],
)
def test_what_cannot_be_audited_is_one_sentence(arguments, phrase):
    done = call(*arguments)
    assert done.exit_code == 1
    assert_refusal(done.stderr, phrase)


@pytest.mark.browser
def test_the_page_fits_every_window_and_both_themes(page, tmp_path):
    from playwright.sync_api import sync_playwright

    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for width, scheme in ((1440, "light"), (800, "dark"), (390, "light")):
            tab = browser.new_page(
                viewport={"width": width, "height": 800}, color_scheme=scheme,
            )  # fmt: skip
            tab.set_default_timeout(TIMEOUT)
            asked, said = [], []
            tab.on("request", lambda request, asked=asked: asked.append(request.url))
            tab.on("console", lambda line, said=said: said.append(line.text))
            tab.goto(f"file://{tmp_path}/a.html")
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
            ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
            assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 17, 23)"}[scheme]
            assert all(url.startswith(("file:", "data:")) for url in asked) and said == []
        browser.close()
