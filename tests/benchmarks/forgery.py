"""Visitors who mean harm, for `chaos`: forged values of widgets, and floods of messages."""

from __future__ import annotations

import json
import re
from contextlib import closing
from typing import Any

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.benchmarks.session import LOOK, Session
from tests.helpers.mutants import WEIRD, pick, spoil
from tests.helpers.processes import PATIENCE

WIDGET = re.compile(rb"\$\$ID-[0-9a-f]+-[\w~.+-]+")
"""The id of a widget, as the server tells it."""
TOUCH = {
    "touch": {"point": 3, "pins": [{"z": [0.1, 0.2], "name": "A", "point": 3}], "look": LOOK},
    "strokes": [[[0.1, 0.2], [0.3, 0.4]]],
}


class Forger(Session):
    """A visitor who sends values that no widget of the page has.

    Attributes:
        widgets: Fragments by the ids of all widgets that were met.
        said: The last red box.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.widgets: dict[str, str] = {}
        self.said = ""
        super().__init__(*arguments, **options)

    def _note(self, delta: Any) -> None:
        for name in WIDGET.findall(delta.new_element.SerializeToString()):
            self.widgets[name.decode()] = delta.fragment_id
        element = delta.new_element
        if element.WhichOneof("type") == "exception":
            self.errors += 1
            self.said = element.exception.message

    def forge(self, random: np.random.Generator) -> None:
        """Gives one to three widgets a value, mostly of the wrong kind, and waits for the run."""
        message = self._message()
        names = sorted(self.widgets) or ["forged"]
        chosen = [pick(names, random) for _ in range(random.integers(1, 4))]
        if random.random() < 0.5:
            message.rerun_script.fragment_id = self.widgets.get(chosen[0], "")
        for name in dict.fromkeys(chosen):
            give(message, name, random)
        self.run(message)


def give(message: BackMsg, name: str, random: np.random.Generator) -> None:
    """Adds a value of any kind for a widget."""
    widget = message.rerun_script.widget_states.widgets.add(id=name)
    match random.integers(0, 8):
        case 0:
            widget.double_value = pick((float("nan"), float("inf"), -1.0, 1e300, 0.5), random)
        case 1:
            widget.int_value = int(pick((-1, 0, 2**31, 2**62, -(2**63)), random))
        case 2:
            widget.string_value = pick(("", "\0", "x" * 5000, "<img onerror=x>", "‮"), random)
        case 3:
            widget.string_array_value.data.extend(["", "a", "β = 1"])
        case 4:
            widget.double_array_value.data.extend([float("nan"), 1.0, -1e300])
        case 5:
            widget.bool_value = True
        case _:
            value = json.loads(json.dumps(TOUCH))
            spoil([value], random)
            widget.json_value = json.dumps(pick((value, *WEIRD), random))


def flood(url: str, count: int) -> None:
    """Sends so many touches at once; the last one counts, few are run, a neighbour is served."""
    with closing(Session(url, "")) as visitor, closing(Session(url, "")) as neighbour:
        for number in range(count):
            message = visitor._message()
            message.rerun_script.fragment_id = visitor.fragment
            widget = message.rerun_script.widget_states.widgets.add(id=visitor.chart)
            point = 499 if number == count - 1 else number % 499
            widget.json_value = json.dumps({"touch": {"point": point, "pins": [], "look": LOOK}})
            visitor.socket.send(message.SerializeToString())
        neighbour.pin(7)
        assert neighbour.errors == 0, "the neighbour was not served"
        runs, query = 0, ""
        while "point=499" not in query:
            answer = ForwardMsg.FromString(visitor.socket.recv(timeout=PATIENCE))
            runs += answer.WhichOneof("type") == "script_finished"
            query = answer.page_info_changed.query_string or query
        assert runs < max(60, count / 3), f"{runs} of {count} messages were run"
