"""The route to a model's decoder, as a browser and as a stranger ask it."""

import asyncio
import json
import threading

import numpy as np
import pytest
from starlette.applications import Starlette

from explorer.assets import decoding
from tests.helpers.sentences import assert_sentence

APP = Starlette(routes=decoding.routes())
JSON = "application/json"
HALVES = [[0.0, 0.25], [0.5, 1.0]]


def decode(z):
    """Images of 1 × 1 × 2 that show the code itself."""
    return z.reshape(-1, 1, 1, 2)


@pytest.fixture
def url():
    """Where the decoder above is published."""
    return decoding.publish("test", 2, decode)


def ask(url, body=b"", method="POST", kind=JSON):
    """Status and body of the answer."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    scope = {
        "type": "http", "method": method, "path": url, "query_string": b"",
        "headers": [(b"content-type", kind.encode())],
    }  # fmt: skip
    answer = []

    async def receive():
        return {"type": "http.request", "body": sent, "more_body": False}

    async def send(message):
        answer.append(message)

    asyncio.run(APP(scope, receive, send))
    return answer[0]["status"], b"".join(part.get("body", b"") for part in answer)


def test_codes_come_back_as_levels(url):
    status, body = ask(url, {"z": [*HALVES, [-3, 7]]})
    assert status == 200
    assert [*body] == [0, 64, 128, 255, 0, 255]


def test_as_many_codes_as_a_page_may_ask_for(url):
    z = np.random.default_rng(0).random((decoding.MAX_CODES, 2))
    status, body = ask(url, {"z": z.tolist()})
    assert status == 200 and len(body) == z.size


def test_the_decoder_runs_in_a_thread_of_its_own():
    names = []
    url = decoding.publish(
        "thread", 2, lambda z: names.append(threading.current_thread().name) or decode(z)
    )
    assert ask(url, {"z": HALVES})[0] == 200
    assert names and names[0].startswith("decoding")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"z": [[0, 0]] * (decoding.MAX_CODES + 1)}, "1 to 1,000 codes, got 1,001"),
        ({"z": []}, "1 to 1,000 codes, got 0"),
        (b'{"z": [[0, NaN]]}', "2 finite numbers"),
        (b'{"z": [[0, -Infinity]]}', "2 finite numbers"),
        (b'{"z": [[0, 1e999]]}', "2 finite numbers"),
        ({"z": [[0, 1000.5]]}, "2 finite numbers"),
        ({"z": [[0, 10**400]]}, "2 finite numbers"),
        ({"z": [[0, 0], [0]]}, "2 finite numbers"),
        ({"z": [[0, 0, 0]]}, "2 finite numbers"),
        ({"z": [[0, "1"]]}, "2 finite numbers"),
        ({"z": [[0, True]]}, "2 finite numbers"),
        ({"z": [0, 0]}, "2 finite numbers"),
        ({"z": "no"}, "must be JSON"),
        ([[0, 0]], "must be JSON"),
        (b"no", "must be JSON"),
        (b"\xff", "must be JSON"),
        (b"", "must be JSON"),
        (b"[" * 100_000, "must be JSON"),
        (b" " * (decoding.MAX_BODY + 1), "1,048,576 bytes"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value)[:24],
)
def test_what_is_refused_is_refused_in_one_sentence(url, body, word):
    status, answer = ask(url, body)
    assert status == 400
    assert word in assert_sentence(answer.decode())


def test_a_form_of_another_site_is_refused(url):
    status, answer = ask(url, {"z": HALVES}, kind="text/plain")
    assert status == 400
    assert "application/json" in assert_sentence(answer.decode())


def test_only_posted_codes_of_a_published_model_are_decoded(url):
    assert ask(url, method="GET")[0] == 405
    assert ask(url, {"z": HALVES}, method="PUT")[0] == 405
    assert ask(url[:-1] + "x", {"z": HALVES})[0] == 404
    assert ask("/latent/decode/digits-2d-beta-1", {"z": HALVES})[0] == 404


def test_a_decoder_that_fails_says_nothing_of_itself():
    def fail(_):
        raise RuntimeError("secret")

    status, answer = ask(decoding.publish("fails", 2, fail), {"z": HALVES})
    assert status == 500
    assert answer.decode() == "The model could not decode these codes."


def test_models_published_least_recently_are_forgotten(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_MODELS", 2)
    first, second, third = (decoding.publish(f"of many {i}", 2, decode) for i in range(3))
    assert [ask(url, {"z": HALVES})[0] for url in (first, second, third)] == [404, 200, 200]
