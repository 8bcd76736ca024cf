"""Your own images on the train page: handed over, previewed, added, trained on, removed."""

import errno
import io
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from explorer.jobs.job import Job
from explorer.services import (
    data_sets,
    job_queue,
    pending_uploads,
    training_form,
    training_runs,
)
from explorer.widgets import upload
from explorer.widgets.text import plain
from explorer.words import words
from models.data import ingest, library
from models.data.load import load
from models.data.read_options import ReadOptions
from models.presets import PRESETS
from models.runs.folder import Run, list_runs
from models.runs.train import execute
from models.storage.checkpoint import read
from tests.helpers.app_test import choose, open_view, press, said, settle, told
from tests.helpers.browser_page import assert_fits, wait_for_map
from tests.helpers.browser_page import settle as settle_page
from tests.helpers.processes import wait
from tests.helpers.train_page import SMALL

CLASSES = ("dot", "bar")


def drawn(place, kind):
    """A picture of 20 × 20 pixels: a red dot or a blue bar."""
    levels = np.zeros((20, 20, 3), np.uint8)
    if kind == "dot":
        levels[place % 10 + 3 : place % 10 + 7, 8:12, 0] = 255
    else:
        levels[place % 10 + 5, :, 2] = 200
    return levels


def png(levels, format="PNG"):
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, format)
    return stream.getvalue()


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def shapes(count=20):
    """A zip of one folder with one folder per class."""
    return zipped(
        {
            f"shapes/{kind}/{place:02}.png": png(drawn(place, kind))
            for kind in CLASSES
            for place in range(count)
        }
    )


def uploaders(at):
    return [each for each in at.file_uploader if each.key.startswith("own-")]


def hand(at, *files, folder=False):
    """Puts files into an uploader."""
    name = "own-folder" if folder else "own-files"
    (uploader,) = (each for each in uploaders(at) if each.key.startswith(name))
    uploader.set_value([(name, content, "application/octet-stream") for name, content in files])
    return settle(at)


def labels(at):
    return {button.label for button in at.button}


def added(title="Shapes", count=20):
    return library.add(ingest.read_upload([("shapes.zip", shapes(count))]), title)


def field(at, name):
    return next(
        s for s in (*at.selectbox, *at.number_input, *at.text_input) if s.key == f"control-{name}"
    )


def name_of(at):
    return next(s for s in at.text_input if s.key.startswith("own-title-"))


def test_a_zip_is_shown_named_added_and_chosen(no_runs, shown):
    at = hand(open_view("train"), ("shapes.zip", shapes()))
    assert "40 images of 20 × 20 pixels, in colour, 32 to train and 8 to test" in said(at)
    assert f"2 classes: {plain('bar (20), dot (20)')}" in said(at)
    pictures = [levels for name in CLASSES for levels in shown[name]]
    assert len(pictures) == data_sets.SAMPLES
    assert (shown["dot"][0] == drawn(0, "dot")).all()
    assert not library.list_paths()
    name_of(at).set_value("My shapes")
    at = press(at, "Add these images")
    (name,) = library.list_paths()
    assert "“My shapes” was added" in said(at)
    assert field(at, "data").value == name and "My shapes" in field(at, "data").options


def test_the_set_is_trained_on_from_every_preset(no_runs, desk):
    facts = added()
    at = open_view("train", data=facts.id)
    assert set(field(at, "preset").options) == set(map(words, PRESETS))
    for preset in PRESETS:
        at = choose(at, "preset", preset)
        assert field(at, "data").value == facts.id and field(at, "batch").value == 4
        assert not at.error
        at = press(at, "Train")
        config, title, label = desk.asked[-1]
        assert (config.data, title) == (facts.id, f"Shapes · {words(preset)}")
        assert label == f"Training “{title}”"


def test_a_plan_for_a_small_set_has_smaller_batches_and_its_shape(no_runs):
    facts = added(count=100)
    config = training_form.plan("digits-2d", {"data": facts.id})
    assert (config.model.image_shape, config.training.batch_size) == ((3, 20, 20), 20)
    assert (
        training_form.plan("digits-2d", {"data": facts.id, "batch_size": 64}).training.batch_size
        == 64
    )
    assert training_runs.cost(config).steps == 200 * (160 // 20)
    library.remove(facts.id)
    with pytest.raises(ValueError, match="must be in the list"):
        training_form.plan("digits-2d", {"data": facts.id})


def test_a_batch_that_is_too_large_is_said(no_runs):
    at = choose(open_view("train", data=added().id), "batch", 64)
    assert "batch\\_size must be at most the 32 training images, got 64" in at.error[0].value


def test_a_trained_map_has_its_originals_until_the_set_is_removed(no_runs, desk):
    facts = added()
    model = replace(SMALL.model, image_shape=(3, 20, 20))
    training = replace(SMALL.training, batch_size=4)
    run = Run.create(no_runs, replace(SMALL, data=facts.id, model=model, training=training))
    list(execute(run))
    card = read(run.model_path).card
    assert data_sets.test_images(card).fingerprint == load(facts.id, "test").fingerprint
    at = open_view("latent_map", model=run.id, point=0)
    assert "Shapes" in str(field(at, "model").options) and told(at)["originals"]
    at = press(open_view("train", data=facts.id), "Remove")
    assert f"“{plain('Shapes')}” was removed" in said(at) and "originals: 1" in said(at)
    assert data_sets.test_images(card) is None
    at = press(at, "Undo")
    assert data_sets.test_images(card) is not None
    assert "was removed" not in said(at) and "Use" in labels(at)


def test_a_set_in_training_is_not_removed(no_runs, desk):
    facts = added()
    run = Run.create(no_runs, replace(SMALL, data=facts.id), "mine")
    desk.jobs = [Job("1", "mine", "running", runs=(run.id,))]
    at = press(open_view("train"), "Remove")
    assert "once training on it has ended" in said(at) and facts.id in library.list_paths()


def test_removing_the_chosen_set_goes_back_to_the_preset(no_runs):
    at = press(open_view("train", data=added().id, preset="digits-ae"), "Remove")
    assert field(at, "data").value == "digits" and field(at, "batch").value == 64
    assert not library.list_paths() and not at.error


def test_another_set_is_used_with_its_own_batch(no_runs):
    facts = [added("Few", 20), added("Many", 100)]
    at = choose(open_view("train", data=facts[1].id), "batch", 64)
    assert [button.label for button in at.button if button.label in ("Use", "In use")] == [
        "In use",
        "Use",
    ]
    at = press(at, "Use")
    assert (field(at, "data").value, field(at, "batch").value) == (facts[0].id, 4)
    assert field(at, "title").placeholder == f"Few · {words('digits-2d')}"
    assert "Sets: 2, " in said(at) and f"at most {library.MAX_SETS} sets" in said(at)


BAD = {
    "text": ([("notes.txt", b"hello")], "'notes.txt' must be an .npz"),
    "empty zip": ([("a.zip", b"")], "'a.zip' must be an .npz or a .zip of images"),
    "truncated": ([("a.zip", shapes()[:-40])], "something else or a damaged one"),
    "few": ([("a.zip", shapes(4))], "at least 10 images, got 8"),
    "nan": ([("a.npz", npz(images=np.full((10, 8, 8), np.nan)))], "NaN"),
    "objects": ([("a.npz", npz(images=np.array([None] * 10)))], "Python objects"),
    "two archives": ([("a.zip", shapes()), ("b.zip", shapes())], "choose that alone"),
    "name": ([("![x](y)<img onerror=z>.txt", b"")], "'![x](y)<img onerror=z>.txt' must be an"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_uploads_get_one_sentence_and_nothing_is_kept(no_runs, case):
    files, phrase = BAD[case]
    at = hand(open_view("train"), *files)
    (error,) = (each.value for each in at.error)
    assert plain(phrase) in error and error.endswith(plain("Nothing was kept."))
    assert not library.library_dir().exists() and "Add these images" not in labels(at)
    assert not settle(at).error
    at = hand(at, ("shapes.zip", shapes()))
    assert "Add these images" in labels(at)


def test_a_folder_is_titled_after_itself(no_runs):
    files = [(f"my/{kind}/{i}.png", png(drawn(i, kind))) for kind in CLASSES for i in range(6)]
    at = hand(open_view("train"), *files, folder=True)
    assert name_of(at).value == "my" and "2 classes" in said(at)


def test_conversions_are_said_and_unlabelled_images_have_no_classes(no_runs):
    files = [
        (f"{i}.png", png(np.kron(drawn(i, "dot"), np.ones((4, 4, 1), np.uint8)))) for i in range(12)
    ]
    at = hand(open_view("train"), *files)
    assert plain("images were cropped to their centre square, then 32 × 32 pixels") in said(at)
    assert "12 images of 32 × 32 pixels" in said(at) and "No labels" in said(at)


def chosen(at, name, value):
    """Works a control of the images that wait."""
    widgets = (*at.selectbox, *at.number_input, *at.checkbox)
    next(each for each in widgets if each.key.startswith(f"own-{name}-")).set_value(value)
    return settle(at)


def test_the_scale_is_said_and_can_be_chosen_on_the_screen(no_runs):
    levels = np.random.default_rng(0).integers(0, 17, (20, 8, 8), dtype=np.uint8)
    at = hand(open_view("train"), ("dark.npz", npz(images=levels)))
    assert plain("the brightest value is 16, far below 255: taken as white") in said(at)
    for value, phrase, white in (
        ("none", "6.3 % of white (255): the images are dark", 255),
        ("other", "255 is white, as chosen", 255),
        ("auto", "taken as white", 16),
    ):
        at = chosen(at, "scale", value)
        assert plain(phrase) in said(at) and not at.error
        assert pending_uploads.find(at.session_state.own_upload).images.scale == white
    at = chosen(chosen(at, "scale", "other"), "white", 20.0)
    at = press(at, "Add these images")
    (name,) = library.list_paths()
    assert library.read_custom(name).scale == 20


def test_the_size_can_be_chosen_on_the_screen(no_runs):
    large = [
        (f"{i}.png", png(np.kron(drawn(i, "dot"), np.ones((5, 4, 1), np.uint8)))) for i in range(12)
    ]
    at = hand(open_view("train"), *large)
    assert "12 images of 32 × 32 pixels" in said(at)
    at = chosen(at, "size", 64)
    assert "12 images of 64 × 64 pixels" in said(at)
    at = chosen(at, "size", 0)
    assert "12 images of 32 × 32 pixels" in said(at)


def test_arrays_of_another_size_wait_for_a_choice(no_runs):
    images = np.random.default_rng(0).integers(0, 256, (12, 218, 178, 3), dtype=np.uint8)
    at = hand(open_view("train"), ("celebs.npz", npz(images=images)))
    assert "got 218 × 178" in said(at) and "choose a size, below" in said(at)
    assert "Add these images" not in labels(at) and "Discard" in labels(at)
    at = chosen(at, "size", 48)
    assert "12 images of 48 × 48 pixels, in colour" in said(at) and not at.error


def test_broken_files_are_named_and_can_be_left_out_on_the_screen(no_runs):
    files = [(f"my/{i}.png", png(drawn(i, "dot"))) for i in range(12)]
    broken = [("my/x.png", b"x"), ("my/y.bmp", b"y"), ("my/notes.tif", b"II*")]
    at = hand(open_view("train"), *files, *broken, folder=True)
    (error,) = (each.value for each in at.error)
    assert plain("'x.png', 'y.bmp' must be whole") in error and "leave them out" in error
    at = chosen(at, "skip", True)
    assert not at.error and "12 images of 20 × 20" in said(at)
    assert plain("files that could not be read, left out: 'x.png', 'y.bmp'") in said(at)
    assert plain("left out: 'my/notes.tif'") in said(at)
    at = chosen(at, "skip", False)
    assert at.error and "Add these images" not in labels(at)


def test_a_folder_upload_drops_nothing_in_the_browser(no_runs):
    """Whatever a folder holds reaches the server, which reads or names it."""
    at = open_view("train")
    assert [list(each.proto.type) for each in uploaders(at)] == [[], []]


def test_discarding_keeps_nothing(no_runs):
    at = hand(open_view("train"), ("shapes.zip", shapes()))
    token = at.session_state.own_upload
    assert pending_uploads.find(token) is not None
    at = press(at, "Discard")
    assert pending_uploads.find(token) is None and not library.library_dir().exists()
    assert field(at, "data").value == "digits" and len(uploaders(at)) == 2


def test_the_same_images_get_the_new_name(no_runs):
    added()
    at = hand(open_view("train"), ("other.zip", shapes()))
    assert "These images are already added as “Shapes”" in said(at)
    name_of(at).set_value("<b>New</b> \u202e name")
    at = press(at, "Add these images")
    assert [facts.title for facts in data_sets.custom_sets().values()] == ["<b>New</b> name"]
    assert "<b>" not in said(at)


def test_too_many_sets_are_said_and_the_upload_stays(no_runs, monkeypatch):
    added()
    monkeypatch.setattr(library, "MAX_SETS", 1)
    at = press(hand(open_view("train"), ("more.zip", shapes(21))), "Add these images")
    assert "at most 1 sets" in said(at) and "Add these images" in labels(at)
    at = press(press(at, "Remove"), "Add these images")
    assert [facts.count for facts in data_sets.custom_sets().values()] == [42]


def test_a_full_disk_is_said_and_the_upload_stays(no_runs, monkeypatch):
    at = hand(open_view("train"), ("shapes.zip", shapes()))

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/secret/path")

    monkeypatch.setattr(os, "fsync", full)
    at = press(at, "Add these images")
    assert "no space left on device" in said(at) and "secret" not in said(at)
    monkeypatch.undo()
    assert "Add these images" in labels(settle(at))


def test_a_damaged_set_is_said_and_can_be_removed(no_runs):
    facts = added()
    library.list_paths()[facts.id].write_bytes(b"PK damaged")
    at = open_view("train", data=facts.id)
    assert "is damaged" in said(at) and field(at, "data").value == "digits"
    at = press(at, "Remove")
    assert not library.list_paths() and "is damaged" not in said(at)


@pytest.mark.parametrize("name", ["own-0123456789ab", "own-../../x", "/etc/passwd", "faces.npz"])
def test_a_link_to_images_that_are_not_there_shows_digits(no_runs, name):
    at = open_view("train", data=name)
    assert field(at, "data").value == "digits" and len(at.toast) == 1 and not at.error


def test_uploads_that_wait_make_room_for_one_another(no_runs, monkeypatch):
    found = pending_uploads.read([("shapes.zip", shapes())], ReadOptions())
    assert found.bytes == len(shapes()) + found.images.images.nbytes
    monkeypatch.setattr(pending_uploads, "MAX_PENDING_BYTES", 2 * found.bytes)
    at = hand(open_view("train"), ("shapes.zip", shapes()))
    tokens = [pending_uploads.keep(found) for _ in range(2)]
    at = settle(at)
    assert "the server needed memory" in said(at) and len(uploaders(at)) == 2
    for token in tokens:
        assert pending_uploads.find(token) is found
        pending_uploads.drop(token)


def test_the_server_forgets_an_upload(no_runs, monkeypatch):
    """Streamlit would keep the bytes as long as the session lives."""
    get, removed = upload.get_script_run_ctx, []

    class Watched:
        def __init__(self, context):
            self.session_id = context.session_id
            self.uploaded_file_mgr = self

        def remove_file(self, session_id, file_id):
            removed.append((session_id == self.session_id, file_id))

    monkeypatch.setattr(upload, "get_script_run_ctx", lambda: Watched(get()))
    hand(open_view("train"), ("shapes.zip", shapes()), ("b.png", b"x"))
    assert len({file_id for _, file_id in removed}) == 2 and all(mine for mine, _ in removed)


# --- in a browser --------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.slow
def test_from_an_upload_to_its_map(visit, runs_dir, tmp_path, monkeypatch):
    """Files chosen in the page become a data set, a training and a map; a bad file a sentence."""
    monkeypatch.setenv("LATENT_RUNS_DIR", str(runs_dir))
    (tmp_path / "shapes.zip").write_bytes(shapes(40))
    (tmp_path / "bad.zip").write_bytes(b"PK no zip")
    for kind in CLASSES:
        (tmp_path / "my faces" / kind).mkdir(parents=True)
        for place in range(6):
            (tmp_path / "my faces" / kind / f"{place}.png").write_bytes(png(drawn(place, kind)))
    page = visit(screen="train")
    page.get_by_text("Your own images").click()
    ways = page.locator(".st-key-own-images input[type=file]")
    ways.first.set_input_files(tmp_path / "bad.zip")
    page.get_by_text("'bad.zip' must be an .npz or a .zip of images").wait_for()
    settle_page(page)  # the uploaders have moved down
    ways.nth(1).set_input_files(tmp_path / "my faces")
    page.get_by_text("12 images of 20 × 20 pixels").wait_for()
    assert page.get_by_label("Name", exact=True).input_value() == "my faces"
    page.get_by_role("button", name="Discard").click()
    ways.nth(1).wait_for(state="attached")
    settle_page(page)
    ways.first.set_input_files(tmp_path / "shapes.zip")
    page.get_by_text("80 images of 20 × 20 pixels").wait_for()
    settle_page(page)
    assert_fits(page, "own-images")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Add these images").click()
    page.get_by_text("“shapes” was added and is now the data set.").wait_for()
    settle_page(page)
    page.get_by_role("spinbutton", name="Epochs").fill("5")
    page.get_by_role("spinbutton", name="Epochs").press("Enter")
    page.get_by_text(f"{5 * 8} steps").wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Training “shapes · Digits, 2 latents” is done").first.wait_for()
    (run,) = (run for run in list_runs(runs_dir) if run.title == "shapes · Digits, 2 latents")
    assert run.model_path.exists() and run.config().training.batch_size == 8
    page = visit(f"model={run.id}&point=1")
    wait_for_map(page, 16)
    page.get_by_text("Original", exact=True).last.wait_for()


@pytest.mark.slow
def test_a_sweep_over_own_images_reaches_trade_off_drawing_and_collapse(no_runs):
    facts = added(count=60)
    at = choose(open_view("trade_off", betas="1,4"), "sweep-data", facts.id)
    at = press(at, "Train 2 models")
    wait(lambda: not any(job.is_live for job in job_queue.jobs().all()))
    (job,) = job_queue.jobs().all()
    assert (job.state, job.reason) == ("done", "")
    runs = list_runs(no_runs)
    assert [run.config().data for run in runs] == [facts.id] * 2
    assert open_view("train").dataframe[0].value["data"].tolist() == ["Shapes"] * 2
    at = open_view("trade_off", model=runs[0].id)
    assert not at.error and any("Shapes" in option for option in field(at, "group").options)
    for screen, link in (
        ("latent_map", {"model": runs[0].id, "panel": "draw"}),
        ("latent_map", {"model": runs[0].id, "point": "3"}),
        ("collapse", {"collapsed": runs[0].id}),
    ):
        assert not open_view(screen, **link).error, screen
