"""A session without a browser: a websocket that speaks Streamlit's protocol."""

from __future__ import annotations

import json
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


class Session:
    """One visitor of an app; `run` and `click` return the seconds until the script has finished.

    Args:
        url: Of the server.
        query: Of the link, e.g. "model=digits-2d-beta-1".
    """

    def __init__(self, url: str, query: str) -> None:
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        self.socket = connect(address, subprotocols=["streamlit"], max_size=None)
        self.query = query
        self.chart = self.fragment = self.page = ""
        self.is_live = False
        self.errors = 0
        self.run()

    def run(self, message: BackMsg | None = None) -> float:
        """Runs the script, or what `message` asks for."""
        if message is None:
            message = BackMsg()
            message.rerun_script.query_string = self.query
        start = time.perf_counter()
        self.socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(self.socket.recv(timeout=60))
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                self.page = answer.new_session.page_script_hash
            elif kind == "delta":
                self._note(answer.delta)
            elif kind == "script_finished":
                return time.perf_counter() - start

    def _note(self, delta) -> None:
        """Remembers the map's widget and its fragment; counts what the script could not do."""
        kind = delta.new_element.WhichOneof("type")
        self.errors += kind == "exception"
        if kind in ("bidi_component", "plotly_chart") and not self.chart:
            self.chart = getattr(delta.new_element, kind).id
            self.fragment, self.is_live = delta.fragment_id, kind == "bidi_component"

    def click(self, number: int) -> float:
        """Selects a point of the map."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self.page
        message.rerun_script.fragment_id = self.fragment
        widget = message.rerun_script.widget_states.widgets.add(id=self.chart)
        if self.is_live:
            touch = {"point": number, "pins": []}
            widget.json_value = json.dumps({"touch": touch})
        else:
            points = [{"customdata": {"0": number}, "point_index": 0, "curve_number": 0}]
            value = {"points": points, "point_indices": [], "box": [], "lasso": []}
            widget.string_value = json.dumps({"selection": value})
        return self.run(message)

    def close(self) -> None:
        """Leaves."""
        self.socket.close()
