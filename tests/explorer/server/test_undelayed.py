"""Small answers leave at once, also from a socket that was bound before the server had it."""

import asyncio
import socket
from asyncio import base_events

import pytest

from explorer.server import undelayed


def accepted():
    """Whether a connection that asyncio accepts from such a socket sends at once."""

    async def serve():
        found = asyncio.get_running_loop().create_future()

        def note(_reader, writer):
            taken = writer.get_extra_info("socket")
            found.set_result(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.bind(("127.0.0.1", 0))
        server = await asyncio.start_server(note, sock=bound)
        _, writer = await asyncio.open_connection(*bound.getsockname())
        answer = await found
        writer.close()
        await writer.wait_closed()
        server.close()
        return bool(answer)

    return asyncio.run(serve())


def test_connections_of_a_bound_socket_send_at_once(monkeypatch):
    monkeypatch.setattr(base_events, "_set_nodelay", base_events._set_nodelay)
    undelayed.prepare()
    assert accepted()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no others here")
def test_other_sockets_are_left_alone():
    one, other = socket.socketpair()
    with one, other:
        undelayed.send_at_once(one)
        one.sendall(b"as before")
        assert other.recv(9) == b"as before"


def test_a_closed_connection_is_no_error():
    closed = socket.socket()
    closed.close()
    undelayed.send_at_once(closed)
    assert closed.fileno() == -1
