"""Cards: what they say is checked, and every refusal is one sentence."""

import json

import pytest

from models.storage.checkpoint import read
from tests.helpers.checkpoint_files import (
    assemble,
    assert_refused_quickly,
    with_card,
    with_card_text,
    with_setting,
)

CARD_JSON = "metadata 'card' must be valid JSON"
CARD_BITS = "metadata 'card' must hold finite numbers of 64 bits"

CORPUS = {
    # the card
    "no card": (lambda d: assemble({}), "card must be a JSON object"),
    "card a list": (with_card_text("[1]"), "card must be a JSON object"),
    "card not JSON": (with_card_text("{"), CARD_JSON),
    "card with a key twice": (
        with_card_text('{"schema": 1, "schema": 1}'), "'card' names something twice"
    ),
    "card nested deeply": (
        with_card(metrics={"a": json.loads("[" * 90 + "]" * 90)}), "'card' must be nested at most"
    ),
    "card with infinity": (with_card(seconds=float("inf")), CARD_BITS),
    "card with 1e999": (with_card_text('{"schema": 1, "seconds": 1e999}'), CARD_BITS),
    "card with 500 digits": (with_card(steps=10**499), CARD_BITS),
    "card with 5000 digits": (with_card_text('{"steps": ' + "9" * 5000 + "}"), CARD_BITS),
    "card with half a character": (with_card(title="\ud800"), CARD_JSON),
    "no schema": (with_card(schema=None), "schema must be a whole number"),
    "schema true": (with_card(schema=True), "schema must be a whole number"),
    "schema 0": (with_card(schema=0), "schema must be a whole number"),
    "schema of the future": (with_card(schema=2), "update this program"),
    "schema far ahead": (with_card(schema=10**18), "update this program"),
    "unknown entry": (with_card(colour="red"), "unknown entry 'colour'"),
    "title a list": (with_card(title=["a"] * 999), "title must be str"),
    "class_names a text": (with_card(class_names="abc"), "class_names must be list"),
    "class_names of numbers": (with_card(class_names=[1, 2, 3]), "list of texts"),
    "steps a float": (with_card(steps=1.5), "steps must be int"),
    "steps negative": (with_card(steps=-1), "steps must be 0 to"),
    "seconds a text": (with_card(seconds="1"), "seconds must be float"),
    "seconds true": (with_card(seconds=True), "seconds must be float"),
    "metrics a list": (with_card(metrics=[]), "metrics must be dict"),
    "metrics of texts": (with_card(metrics={"rate": "high"}), "numbers or lists of numbers"),
    "metrics nested": (with_card(metrics={"rate": [[1]]}), "numbers or lists of numbers"),
    "metrics beyond reason": (with_card(metrics={"rate": 1e18}), "numbers or lists of numbers"),
    # the config in it
    "no config": (with_card(config=None), "settings are not valid: RunConfig must be"),
    "config a list": (with_card(config=[]), "settings are not valid: RunConfig must be"),
    "unknown setting": (with_setting("model", depth=3), "has no setting 'depth'"),
    "latent_dim 0": (with_setting("model", latent_dim=0), "latent_dim must be at least 1"),
    "latent_dim a million": (with_setting("model", latent_dim=10**6), "must be at most 256"),
    "latent_dim other": (with_setting("model", latent_dim=3), "mean must have shape (N, 3)"),
    "hidden a text": (with_setting("model", hidden="64"), "list of whole numbers"),
    "hidden endless": (with_setting("model", hidden=[4] * 20_000), "0 to 6 entries"),
    "hidden other": (with_setting("model", hidden=[5]), "must have shape (5,), got (6,)"),
    "too many parameters": (with_setting("model", hidden=[4096] * 6), "at most 10,000,000"),
    "image_shape endless": (with_setting("model", image_shape=[8] * 20_000), "image_shape must be"),
    "image_shape other": (
        with_setting("model", image_shape=[1, 8, 9]), "must have shape (72,), got (64,)"
    ),
    "network other": (with_setting("model", network="conv"), "must have shape (96,)"),
    "network unknown": (with_setting("model", network="os.system"), "one of mlp, conv"),
    "beta negative": (with_setting("objective", beta=-1), "beta must be at least 0"),
    "beta a long list": (with_setting("objective", beta=[1] * 20_000), "beta must be a number"),
    "epochs 0": (with_setting("training", epochs=0), "epochs must be at least 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", CORPUS)
def test_bad_file_is_refused_with_one_sentence(case, good, tmp_path):
    make, phrase = CORPUS[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(make(good))
    assert_refused_quickly(path, phrase)


def test_texts_of_the_card_fit_on_one_line(good, tmp_path):
    path = tmp_path / "a.safetensors"
    rude = "\x1b[2J\u202egood\0\n" + "x" * 300
    names = [rude, "<img onerror=alert(1)>", "=cmd|' /C calc'!A0"]
    path.write_bytes(with_card(title=rude, class_names=names, command="a\r\nb\u202e")(good))
    card = read(path).card
    assert card.title.isprintable() and "good" in card.title and len(card.title) <= 80
    assert card.class_names[1:] == tuple(names[1:])  # kept as text: the screen escapes it
    assert card.class_names[0] == card.title and card.command == "ab"
