"""What a browser sends: its pace, what is merged, what is never lost, what is not taken."""

import asyncio
import itertools
import json
from contextlib import closing

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed

from explorer.server import messages
from explorer.server.messages import AT_ONCE, PER_SECOND, Line, Pace
from tests.benchmarks.session import LOOK, Session
from tests.helpers.processes import PATIENCE


def rerun(fragment="", page="map", **values):
    """A rerun with the values of widgets: numbers of sliders, True for a click."""
    message = BackMsg()
    message.rerun_script.fragment_id = fragment
    message.rerun_script.page_script_hash = page
    for name, value in values.items():
        widget = message.rerun_script.widget_states.widgets.add(id=name)
        if value is True:
            widget.trigger_value = True
        else:
            widget.double_value = value
    return message


def told(message):
    """The values of widgets in a message that arrived."""
    states = BackMsg.FromString(message["bytes"]).rerun_script.widget_states.widgets
    return {state.id: getattr(state, state.WhichOneof("value")) for state in states}


class Clock:
    """A clock that goes on as sleeps do."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        sleep = asyncio.sleep

        async def pass_by(seconds):
            self.now += seconds
            await sleep(0)

        monkeypatch.setattr(messages.asyncio, "sleep", pass_by)

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def deliver(sent, clock, every=0.0):
    """What arrives of messages that are sent with so many seconds between: (time, message)."""

    async def run():
        pending = [each if isinstance(each, dict) else _packed(each) for each in sent]
        pending.append({"type": "websocket.disconnect"})
        due = 0.0

        async def receive():
            nonlocal due
            if clock.now < due:
                await messages.asyncio.sleep(due - clock.now)
            due += every
            return pending.pop(0)

        line, found = Line(receive, clock), []
        reading = asyncio.create_task(line.read())
        while True:
            message = await line.receive()
            if message["type"] == "websocket.disconnect":
                await reading
                return found
            found.append((clock.now, message))

    return asyncio.run(run())


def _packed(message):
    return {"type": "websocket.receive", "bytes": message.SerializeToString()}


def test_at_most_twenty_pass_in_any_second():
    pace, now, passed = Pace(0.0), 0.0, []
    while now < 5:
        now += pace.wait(now)
        pace.take(now)
        passed.append(now)
    assert max(sum(start <= at < start + 1 for at in passed) for start in passed) <= 20
    assert len(passed) == pytest.approx(AT_ONCE + 5 * PER_SECOND, abs=2)


def test_after_a_rest_nothing_waits():
    pace = Pace(0.0)
    for now in (10.0, 10.0, 20.0, 20.0, 20.0, 20.0):
        assert pace.wait(now) == 0
        pace.take(now)
    assert pace.wait(20.0) > 0


def test_of_a_flood_few_are_run_and_the_last_value_arrives(clock):
    found = deliver([rerun(beta=float(n)) for n in range(5000)], clock)
    values = [told(message)["beta"] for _, message in found]
    assert values == sorted(values) and values[-1] == 4999
    assert len(found) <= AT_ONCE + PER_SECOND * (clock.now + 1)
    assert len(found) < 250


def test_a_slider_that_is_dragged_is_followed_sixteen_times_a_second(clock):
    found = deliver([rerun(beta=float(n)) for n in range(120)], clock, every=1 / 60)
    times = [at for at, _ in found]
    assert max(b - a for a, b in itertools.pairwise(times)) <= 2 / PER_SECOND
    assert told(found[-1][1])["beta"] == 119


def test_what_was_clicked_in_a_merged_rerun_is_still_clicked(clock):
    sent = [rerun(beta=1.0)] * AT_ONCE + [rerun(beta=2.0, train=True), rerun(beta=3.0)]
    assert told(deliver(sent, clock)[-1][1]) == {"beta": 3.0, "train": True}


def test_another_page_or_part_is_another_rerun(clock):
    sent = [rerun(cancel=True)] * AT_ONCE
    sent += [rerun(cancel=True), rerun("part", beta=5.0), rerun(page="train", beta=6.0)]
    *first, part, page = [told(message) for _, message in deliver(sent, clock)]
    assert all(values == {"cancel": True} for values in first)
    assert (part, page) == ({"beta": 5.0}, {"beta": 6.0})


def test_the_browser_is_read_no_further_than_what_may_wait(clock):
    read = 0

    async def run():
        async def receive():
            nonlocal read
            read += 1
            return _packed(rerun(f"part {read}", beta=1.0))

        reading = asyncio.create_task(Line(receive, clock).read())
        for _ in range(1000):
            await asyncio.sleep(0)
        reading.cancel()

    asyncio.run(run())
    assert read <= messages.MAX_WAITING + 1


def test_only_what_the_pages_need_is_taken(clock):
    unwanted = []
    for name in ("clear_cache", "load_git_info", "debug_shutdown_runtime"):
        unwanted.append(BackMsg(**{name: True}))
    unwanted.append(BackMsg(set_run_on_save=True))
    install = BackMsg()
    install.backend_operation_request.install_skills.SetInParent()
    wanted = BackMsg(app_heartbeat=True)
    assert len(deliver([*unwanted, install, wanted], clock)) == 1


def test_what_is_no_message_is_left_to_streamlit(clock):
    odd = {"type": "websocket.receive", "bytes": b"\xff\xff"}
    assert [message for _, message in deliver([odd], clock)] == [odd]


@pytest.mark.slow
def test_on_a_server_a_flood_is_merged_and_its_last_value_arrives(server):
    with closing(Session(server[0], "")) as visitor:
        for point in range(2000):
            message = visitor._message()
            message.rerun_script.fragment_id = visitor.fragment
            widget = message.rerun_script.widget_states.widgets.add(id=visitor.chart)
            touch = {"point": point % 500, "pins": [], "look": LOOK}
            widget.json_value = json.dumps({"touch": touch})
            visitor.socket.send(message.SerializeToString())
        runs, query = 0, ""
        while "point=499" not in query or runs < 2:
            answer = ForwardMsg.FromString(visitor.socket.recv(timeout=PATIENCE))
            runs += answer.WhichOneof("type") == "script_finished"
            query = answer.page_info_changed.query_string or query
        assert runs < 500


@pytest.mark.slow
def test_on_a_server_a_value_that_fills_its_memory_ends_the_connection(server):
    with closing(Session(server[0], "")) as visitor:
        message = visitor._message()
        widget = message.rerun_script.widget_states.widgets.add(id="forged")
        widget.string_value = "x" * (18 * 2**20)
        with pytest.raises(ConnectionClosed):
            visitor.run(message)
