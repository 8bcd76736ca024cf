"""Files that are sent to the server: only where a page asks for them, and within its room."""

import http.client
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from starlette.responses import Response
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from explorer.server import uploads
from tests.benchmarks.session import Session
from tests.helpers.app_server import app_server
from tests.helpers.asgi import ask, status
from tests.helpers.processes import wait

MB = 2**20


@pytest.fixture
def held(monkeypatch):
    """Bytes of files that the server holds, by session; the sessions `a` to `f` show uploaders."""
    files = {}
    monkeypatch.setattr(uploads, "_files", lambda: files)
    monkeypatch.setattr(uploads, "_shown", {name: {"model-file"} for name in "abcdef"})
    return files


def put(session, size, app=None):
    """The status of an upload."""
    taken = app or Response(status_code=204)
    length = None if size is None else str(size)
    address = f"/_stcore/upload_file/{session}/file"
    return status(ask(uploads.Uploads(taken), address, "PUT", content_length=length))


def test_a_page_without_an_uploader_takes_no_files(held):
    assert put("a", MB) == 204
    assert put("nobody", MB) == 403


def test_a_page_of_a_session_that_has_ended_is_cut_short_without_another_error(held, monkeypatch):
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: SimpleNamespace(session_id="a"))
    with pytest.raises(KeyboardInterrupt), uploads.page():
        uploads._free("a")
        raise KeyboardInterrupt
    assert "a" not in uploads._shown


def test_a_session_has_so_much_room(held):
    held["a"] = uploads.SESSION_BYTES - MB
    assert put("a", MB) == 204
    assert put("a", MB + 1) == 413
    assert put("b", MB + 1) == 204


def test_a_server_has_so_much_room(held):
    held.update({name: 60 * MB for name in "abcd"})
    assert put("e", 16 * MB) == 204
    assert put("e", 16 * MB + 1) == 503


def test_what_is_on_its_way_counts(held):
    async def slow(scope, receive, send):
        assert put_inside("a", 40 * MB) == 413
        await Response(status_code=204)(scope, receive, send)

    def put_inside(session, size):
        return uploads.refusal(session, size)[0]

    assert put("a", 40 * MB, slow) == 204
    assert uploads.refusal("a", 40 * MB) is None


@pytest.mark.parametrize("length", [None, "x", "-1", "9" * 30])
def test_a_file_says_its_length(held, length):
    assert put("a", length) == 411


def test_other_requests_are_passed_on(held):
    for method, path in (("GET", "/"), ("DELETE", "/_stcore/upload_file/nobody/file")):
        sent = ask(uploads.Uploads(Response(status_code=204)), path, method)
        assert status(sent) == 204


def session_id(session):
    """Of a session on a server: the server tells it when a script begins."""
    message = session._message()
    session.socket.send(message.SerializeToString())
    found = None
    while True:
        answer = ForwardMsg.FromString(session.socket.recv(timeout=300))
        kind = answer.WhichOneof("type")
        if kind == "new_session":
            found = answer.new_session.initialize.session_id
        if kind == "script_finished":
            return found


def send_file(address, session, name, size):
    """The status of a file that is sent as a browser does."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(address).port)
    connection.request("GET", "/_stcore/health")
    cookie = connection.getresponse()
    token = cookie.headers["Set-Cookie"].partition("_streamlit_xsrf=")[2].partition(";")[0]
    cookie.read()
    part = 'Content-Disposition: form-data; name="file"; filename="a"'
    body = f"--x\r\n{part}\r\n\r\n".encode() + bytes(size) + b"\r\n--x--\r\n"
    given = {"Content-Type": "multipart/form-data; boundary=x", "X-Xsrftoken": token}
    given["Cookie"] = f"_streamlit_xsrf={token}"
    connection.request("PUT", f"/_stcore/upload_file/{session}/{name}", body, given)
    found = connection.getresponse().status
    connection.close()
    return found


@pytest.mark.slow
def test_on_a_server_files_are_taken_while_the_page_asks_and_freed_on_leaving(tmp_path):
    with app_server(tmp_path) as (address, _):
        visitor = Session(address, "")
        name = session_id(visitor)
        assert send_file(address, name, "1", MB) == 403
        visitor.visit("train")
        assert send_file(address, name, "1", 30 * MB) == 204
        assert send_file(address, name, "2", 30 * MB) == 204
        assert send_file(address, name, "3", 30 * MB) == 413
        visitor.visit("experiments")
        assert send_file(address, name, "3", MB) == 403
        visitor.visit("train")  # what it had sent is gone
        assert send_file(address, name, "4", 30 * MB) == 204
        visitor.close()
        others = [Session(address, "", "train") for _ in range(4)]
        for other in others:  # the room of the one that has left is free at once
            wait(lambda other=other: send_file(address, session_id(other), "1", 30 * MB) == 204)
            wait(lambda other=other: send_file(address, session_id(other), "2", 30 * MB) == 204)
        for other in others:
            other.close()
