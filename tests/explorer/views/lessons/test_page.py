"""The Lessons page: every lesson in its four parts, and what a link may hide."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from explorer import glossary, state
from explorer.services import lessons
from explorer.views.lessons import hand_in
from explorer.widgets.text import typeset
from models.lessons.experiments import shipped
from models.lessons.table import CHAPTERS, LESSONS, TEN_MINUTES, asked
from tests.helpers.app_test import charts, column, open_view, press, said, settle
from tests.helpers.paths import MNIST


def opened(id, choice=None, **link):
    """A lesson after its prediction, or after that was skipped."""
    return open_view(
        "lessons", lesson=id, predicted=f"{id}~{'-' if choice is None else choice}", **link
    )


def labels(at):
    return [button.label for button in at.button]


def pages(at):
    return {element.proto.label: element.proto for element in at.get("page_link")}


def test_all_lessons_are_listed_by_their_questions(no_runs):
    at = open_view("lessons")
    assert {lesson.question for lesson in LESSONS.values()} <= set(labels(at))
    assert set(asked()) <= set(labels(at))
    assert all(chapter in said(at) for chapter in CHAPTERS)
    press(at, LESSONS["density"].question)
    assert at.query_params == {"lesson": "density"}


@pytest.mark.parametrize("id", LESSONS)
def test_before_the_prediction_nothing_is_shown(no_runs, id):
    at = open_view("lessons", lesson=id)
    (radio,) = (each for each in at.radio if each.key == f"predict-{id}")
    assert tuple(radio.options) == LESSONS[id].choices and radio.value is None
    assert "Verdict" not in said(at) and not charts(at)
    assert LESSONS[id].question in said(at)


@pytest.mark.parametrize("id", LESSONS)
def test_a_lesson_shows_what_was_measured_and_what_follows(no_runs, id):
    at = opened(id, 0)
    text = said(at)
    assert "Verdict" in text and "You predicted" in text and "Read on" in text
    lesson = LESSONS[id]
    if lesson.experiment:
        found = shipped(lesson.experiment)
        verdict = lesson.verdict(found)
        assert lesson.repeats in text
        assert typeset(verdict.sentence).replace("\xa0", " ") in text
        assert f"`{found.command}`" in text
        assert len([key for key in charts(at) if key.startswith(f"{id}-")]) == len(lesson.charts)
        agrees = verdict.answer == 0
        assert bool(at.success) == agrees
        assert "Run again with other seeds" in labels(at)
    assert charts(at) and not at.toast
    links = pages(at)
    assert [link.label for link in lesson.touch] == list(links)
    for link in lesson.touch:
        assert link.page in links[link.label].page or link.page == "latent-map"
        for key, value in link.settings.items():
            assert key in links[link.label].query_string and value


def test_what_a_lesson_links_to_is_possible():
    from explorer import state

    for lesson in LESSONS.values():
        for link in lesson.touch:
            assert link.page in {"latent-map", "trade-off", "collapse", "train", "families"}
            for key, value in link.settings.items():
                assert state.SETTINGS[key].parse(value) is not None


def test_lessons_and_glossary_know_each_other():
    known = glossary.terms()
    for lesson in LESSONS.values():
        assert set(lesson.words) <= known.keys(), lesson.id
    assert {term.lesson for term in known.values()} - {""} <= LESSONS.keys()


def test_a_prediction_is_kept_in_the_link_and_shows_the_rest(no_runs):
    at = open_view("lessons", lesson="density")
    at.radio[0].set_value(1)
    settle(at)
    assert at.query_params == {"lesson": "density", "predicted": "density~1"}
    assert "Verdict" in said(at)
    press(at, "Next")
    assert "Verdict" not in said(at) and at.query_params["predicted"] == "density~1"
    press(at, "Show me without a prediction")
    assert "You predicted" not in said(at) and "Verdict" in said(at)


@pytest.mark.parametrize("id", ["density", "surprise", "mse"])
def test_answers_can_be_hidden(no_runs, id):
    text = said(opened(id, 0, hide="answers"))
    assert "### Verdict" not in text and "### Why" not in text and "You predicted" not in text
    assert "hidden" in text


def test_controls_can_be_hidden(no_runs):
    at = opened("density", hide="controls")
    assert "Run again with other seeds" not in labels(at) and "### Verdict" in said(at)
    assert any("display: none" in element.proto.body for element in at.get("html"))
    shown = opened("density")
    assert not any("display: none" in element.proto.body for element in shown.get("html"))


def test_other_seeds_are_shown_where_they_are_measured(no_runs):
    lesson = LESSONS["density"]
    seeds = lessons.seeds_from(7)
    from models.lessons.experiments import run

    found = run("density", seeds)
    path = lessons.job_queue.measurements().path("density", seeds)
    path.parent.mkdir(parents=True)
    found.write(path)
    text = said(opened("density", **{"first-seed": "7"}))
    assert typeset(lesson.verdict(found).sentence).replace("\xa0", " ") in text
    assert "--seeds 7,8,9`" in text


def test_seeds_that_are_not_measured_here_show_what_shipped(no_runs):
    at = opened("density", **{"first-seed": "99"})
    assert "Seeds 99, 100, 101 have not been measured here" in said(at)
    assert "--seeds 0,1,2,3,4`" in said(at)
    press(at, "Show what shipped")
    assert "first-seed" not in at.query_params


def test_a_result_that_is_missing_or_damaged_is_said(no_runs, monkeypatch, tmp_path):
    monkeypatch.setattr(lessons.experiments, "SHIPPED", tmp_path)
    assert "not among the files" in said(opened("density"))
    (tmp_path / "density.json").write_text("{")
    assert "not among the files" in said(opened("density"))


def test_codes_are_drawn_from_the_posterior_on_the_screen(no_runs, shown):
    opened("test-time", model="digits-2d-beta-1")
    assert {"Image", "z = μ", "z drawn from q(z|x), draw 1"} <= shown.keys()
    assert (shown["z = μ"][0] != shown["z drawn from q(z|x), draw 1"][0]).any()
    model = _model("digits-2d-beta-1")
    drawn = lessons.codes_of(model, 500, seed=0, draws=20)
    codes = model.codes
    scaled = (drawn - codes.mean) / np.exp(0.5 * codes.log_variance)
    assert [scaled.mean(), scaled.std()] == pytest.approx([0, 1], abs=0.02)


def test_the_kl_is_drawn_over_both_parameters(no_runs):
    over_mean, over_deviation = charts(opened("zero-one"))["kl-by-parameter"]["data"]
    x = np.array(column(over_mean, "x"))
    assert column(over_mean, "y") == pytest.approx((x**2 / 2).tolist())
    expected = 0.5 * (x**2 - 1) - np.log(x)
    assert column(over_deviation, "y") == pytest.approx(expected.tolist(), abs=1e-9)
    assert x.max() > 3


def test_blur_is_shown_beside_its_measurement(no_runs, shown):
    opened("blur", model="digits-2d-beta-1")
    names = ["Images", "Decoded means E[x|z] at z = μ", "Draws of p(x|z) at z = μ"]
    assert list(shown) == names
    assert set(np.unique(shown[names[2]][0])) <= {0, 128, 255}, "black, white and the gaps"


# --- the loss doctor -----------------------------------------------------------------------------


def test_the_doctor_stands_alone_by_a_link(no_runs):
    link = {"loss": "bce", "loss-pixels": "mean", "kl-batch": "sum", "loss-latents": "2"}
    at = open_view("lessons", lesson="doctor", **link)
    assert "D + βR with β = 8192" in said(at)  # 64 pixels, 128 images
    assert "predicted to collapse" in said(at)
    assert "0.00012207" in said(at), "the factor for β = 1"


def test_the_place_of_a_cross_entropy_is_that_of_the_multi_rate_model(no_runs):
    from models.storage.checkpoint import read
    from tests.helpers.paths import ROOT

    rates = read(ROOT / "checkpoints" / "digits-2d-multirate.safetensors").rates
    at = open_view("lessons", lesson="doctor", loss="bce", **{"loss-pixels": "sum"})
    rate = np.interp(0.0, np.log(rates.betas), rates.rate.sum(1))
    assert f"R = {rate:.2f}" in said(at) and "need not collapse" in said(at)
    curve = charts(at)["loss-plane"]["data"][0]
    assert len(curve["x"]) and at.query_params["loss"] == "bce"


def test_examples_set_the_form(no_runs):
    at = open_view("lessons", lesson="doctor")
    press(at, "KL averaged over latents")
    assert "β = 0.5" in said(at)
    press(at, "A weight copied from other images")
    assert at.query_params["kl-weight"] == "0.00025"


def test_other_images_have_a_size_and_no_threshold(no_runs):
    at = open_view("lessons", lesson="doctor", **{"loss-data": "other", "loss-numbers": "784"})
    assert "β = 392" in said(at) and "not known here" in said(at)


def test_code_is_read_into_the_form(no_runs):
    at = open_view("lessons", lesson="doctor")
    at.text_area[0].set_value("l = F.mse_loss(x, y, reduction='sum')\nkl = 0\nl = l + 3 * kl")
    press(at, "Read it")
    assert at.query_params["kl-weight"] == "3.0" and "loss-pixels" in at.query_params
    assert "The KL is weighted by 3" in said(at)
    at.text_area[0].set_value("nonsense(")
    press(at, "Read it")
    assert at.error[0].value.startswith("The code must be Python")


# --- the knowledge check -------------------------------------------------------------------------


def test_ten_questions_are_asked_judged_and_kept(no_runs):
    at = open_view("lessons", lesson="check")
    asked_of = [radio for radio in at.radio if radio.key.startswith("check-")]
    assert len(asked_of) == 10
    questions = lessons.questions(_model("digits-2d-beta-1"))
    asked_of[0].set_value(questions[0].right)
    settle(at)
    assert "✓ Right." in said(at) and "1 of 1 right" in said(at)
    wrong = (questions[1].right + 1) % len(questions[1].options)
    [radio for radio in at.radio if radio.key.startswith("check-")][1].set_value(wrong)
    settle(at)
    assert "✗ The right answer is" in said(at) and "1 of 2 right" in said(at)
    again = open_view("lessons", **at.query_params)
    assert "1 of 2 right" in said(again)
    assert "of 2" not in said(
        open_view("lessons", **{**at.query_params, "model": "digits-2d-beta-4"})
    )
    hidden = open_view("lessons", **{**at.query_params, "hide": "answers"})
    assert "✗" not in said(hidden) and "2 of 10 answered" in said(hidden)


@pytest.mark.skipif(not MNIST, reason="its threshold is computed from its images")
def test_another_model_asks_about_its_own_numbers(no_runs):
    first, second = (
        [q.options[q.right] for q in lessons.questions(_model(name))]
        for name in ("digits-2d-beta-1", "mnist-20d-beta-1")
    )
    assert sum(a != b for a, b in zip(first, second, strict=True)) >= 4


def _model(name):
    from explorer.services import catalogue
    from explorer.services.loaded_model import LoadedModel

    return LoadedModel(catalogue.list_models()[0][name])


def test_the_file_that_is_handed_in_has_it_all(no_runs, monkeypatch):
    from explorer import state

    link = {
        "predicted": "density~1;signs~0", "answers": "digits-2d-beta-1,0,-",
        "pins": "A~0.5,-0.25", "draw": "4",
    }  # fmt: skip
    offered = []
    monkeypatch.setattr(hand_in.st, "download_button", lambda *a, **k: offered.append(a))
    monkeypatch.setattr(hand_in.st, "text_input", lambda *a, **k: "Ada \u202e../Lovelace\n")
    open_view("lessons", **link)
    _, make, name, _ = offered[-1]
    with ThreadPoolExecutor(1) as pool:  # the server makes it outside of any run of the page
        document = json.loads(pool.submit(make).result())
    assert document["name"] == "Ada ../Lovelace"
    assert name == "hand-in-ada-lovelace.json"
    assert [each["lesson"] for each in document["predictions"]] == ["density", "signs"]
    assert document["predictions"][0]["predicted"] == LESSONS["density"].choices[1]
    assert document["predictions"][0]["measured"] in LESSONS["density"].choices
    assert document["check"]["model"] == "digits-2d-beta-1"
    assert document["check"]["questions"][0]["answer"] and len(document["check"]["questions"]) == 10
    assert document["pins"] == ["A~0.5,-0.25"] and document["seeds"]["draw"] == 4
    assert state.SETTINGS["draw"].default == 0


def test_ten_minutes_with_a_class_run_from_one_link_and_have_been_measured(no_runs):
    at = open_view("lessons", lesson=state.TEN_MINUTES)
    found = pages(at)
    for number, stop in enumerate(TEN_MINUTES, 1):
        label = f"{number}. {stop.label}"
        if id := stop.settings.get("lesson"):
            experiment = LESSONS[id].experiment
            assert label in labels(at) and (not experiment or shipped(experiment).count)
        else:
            assert found[label].page == "" and stop.page == state.FIRST
            assert all(value in found[label].query_string for value in stop.settings.values())
    press(at, f"1. {TEN_MINUTES[0].label}")
    assert at.query_params == TEN_MINUTES[0].settings


def test_what_is_taught_in_ten_minutes_stands_among_the_tools(no_runs):
    at = press(open_view("lessons"), "Ten minutes with a class: eight stops")
    assert at.query_params == {"lesson": state.TEN_MINUTES} and len(TEN_MINUTES) == 8
