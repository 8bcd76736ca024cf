"""The door: whom the server answers, and what every answer says."""

import http.client
from urllib.parse import urlsplit

import pytest
from starlette.responses import PlainTextResponse

from explorer.server import guard, options
from explorer.server.options import Options
from tests.helpers.app_server import app_server, serving
from tests.helpers.asgi import ask, headers, status


async def inner(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await PlainTextResponse("inside")(scope, receive, send)


def answer(*arguments, **options):
    return ask(guard.Guard(inner), *arguments, **options)


@pytest.fixture(params=["http", "websocket"])
def kind(request):
    return request.param


def is_let_in(sent):
    return sent[0].get("status") == 200 or sent[0]["type"] == "websocket.accept"


@pytest.mark.parametrize(
    "host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LocalHost", "localhost.:8501"]
)
def test_own_names_are_answered(kind, host):
    assert is_let_in(answer(kind=kind, host=host))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example",
        "192.168.1.9:8501", "evil.example#localhost", "localhost@evil.example", "localhost:x",
        "evil.example/localhost", "", None, ["localhost", "evil.example"], "[::1]evil",
        "[::1%25lo]", "[::1", "::1", "localhost..", ".localhost", "localhost:99999",
        "localhost,evil", "localhost:8501:8501", "localhost:\u0661", "*", "l\u00f6calhost",
    ],
)  # fmt: skip
def test_other_names_are_refused(kind, host):
    assert status(answer(kind=kind, host=host)) in (403, guard.POLICY_VIOLATION)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "http://localhost:9000", "http://localhost", "http://127.0.0.1:8501",
        "https://localhost:8501", "null", "file://", "http://localhost:8501.evil.example",
        ["http://localhost:8501", "http://evil.example"],
    ],
)  # fmt: skip
def test_other_origins_are_refused_also_of_another_port_of_this_machine(kind, origin):
    sent = answer(kind=kind, origin=origin)
    assert status(sent) in (403, guard.POLICY_VIOLATION)


def test_own_pages_and_programs_without_a_page_are_answered(kind):
    assert is_let_in(answer(kind=kind, origin="http://localhost:8501"))
    assert is_let_in(answer(kind=kind))


def test_behind_tls_the_origin_is_that_of_tls():
    assert is_let_in(answer(scheme="https", origin="https://localhost:8501"))
    assert not is_let_in(answer(scheme="https", origin="http://localhost:8501"))


@pytest.mark.parametrize(
    "path",
    ["/_stcore/metrics", "/_stcore/agent/interact", "/_stcore/agent/mcp",
     "/_stcore/script-health-check"],
)  # fmt: skip
def test_what_nothing_here_needs_is_closed(path):
    assert status(answer(path)) == 404


def test_every_answer_carries_the_policy_also_a_refusal():
    for sent in (answer(), answer(host="evil.example")):
        found = headers(sent)
        assert found["x-content-type-options"] == "nosniff"
        assert found["referrer-policy"] == "same-origin"
        policy = found["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


def test_frames_are_those_of_the_start_never_of_the_link(monkeypatch):
    monkeypatch.setattr(options, "_current", Options(frames=("https://school.example",)))
    policy = headers(answer("/?frame=https://evil.example"))["content-security-policy"]
    assert "frame-ancestors https://school.example" in policy and "evil" not in policy


@pytest.mark.parametrize("what", ["iframe", "frame", "embed", "object"])
def test_a_document_for_a_frame_is_sent_to_the_address_that_says_so(what):
    sent = answer("/train?own=a", sec_fetch_dest=what)
    assert status(sent) == 307
    assert headers(sent)["location"] == "/train?own=a&embed=true"
    assert status(answer("/train?own=a&embed=true", sec_fetch_dest=what)) == 200
    assert status(answer("/train?own=a", sec_fetch_dest="document")) == 200


@pytest.mark.parametrize(
    "text", ["school", "ftp://a.example", "http://", "http://a/b", "http://a; script-src *", "*"]
)
def test_what_is_no_origin_cannot_frame(text):
    with pytest.raises(ValueError, match="a frame's origin must be like"):
        options.origin(text)


STARTS = {
    "streamlit": lambda folder: app_server(folder),
    "explorer": lambda folder: serving(folder, ["-m", "explorer", "--headless", "--port"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS)
def test_both_start_commands_keep_the_door(tmp_path, start):
    with STARTS[start](tmp_path) as (address, _):
        port = urlsplit(address).port

        def asked(path="/", **given):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"} if "stream" in path else {}
            upgrade |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x" * 22 + "=="}
            connection.request("GET", path, headers={**upgrade, **given})
            found = connection.getresponse().status
            connection.close()
            return found

        for path, good in (("/", 200), ("/_stcore/stream", 101)):
            assert asked(path) == good
            assert asked(path, Host="evil.example") == 403
            assert asked(path, Origin="http://localhost:1") == 403
            assert asked(path, Origin=address) == good
        assert asked("/_stcore/metrics") == 404
