"""A session without a browser: a websocket that speaks Streamlit's protocol.

It says what the page's own scripts would say: pins and a look of the map, choices, a drawing.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import time
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

LOOK = {
    "prior": True, "means": False, "names": True, "posterior": "touched", "background": "none",
    "anchor": "home", "hidden": [], "ranges": None, "tab": "image", "z": [], "draw": 0, "side": 15,
    "beta": 1.0,
}  # fmt: skip
"""How a map looks at first: `Look` of types.js."""
MAX_PINS = 24
DIAGNOSIS = "**Collapsed"
"""How a red box begins that is no error."""
FILE = re.compile(rb"/latent/\w+\.\w+")
"""An address of a file of the map."""


class Choice(NamedTuple):
    """A drop-down or a row of buttons: its id, kind, fragment, and what it offers."""

    id: str
    kind: str
    fragment: str
    options: list[str]


class Session:
    """One visitor of an app; what it does returns the seconds until the script has finished.

    Args:
        url: Of the server.
        query: Of the link, e.g. "model=digits-2d-beta-1".
        page: Address of the page to open, e.g. "train".
        cookie: Of its browser.
    """

    def __init__(self, url: str, query: str, page: str = "", cookie: str = "") -> None:
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        start = time.perf_counter()
        self._stack = contextlib.ExitStack()
        headers = {"Cookie": cookie} if cookie else None
        connection = connect(
            address, subprotocols=["streamlit"], max_size=None, open_timeout=300,
            additional_headers=headers,
        )  # fmt: skip
        self.socket = self._stack.enter_context(connection)
        self.url, self.query = url, query
        # a browser fetches one file after another through the same connection
        files = http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)
        self.files = self._stack.enter_context(contextlib.closing(files))
        self.chart = self.fragment = self.page = ""
        self.is_live = False
        self.pins: list[dict[str, Any]] = []
        self.pages: dict[str, str] = {}  # hashes by address
        self.buttons: dict[str, tuple[str, str]] = {}  # ids and fragments by label
        self.choices: dict[str, Choice] = {}  # by the name of the setting
        self.pad: tuple[str, str] | None = None  # id and fragment
        self.addresses: set[str] = set()  # of files that the page named
        self.fetched: set[str] = set()
        self.due: dict[str, tuple[float, float]] = {}  # interval and next time by fragment
        self.headings: list[str] = []  # of the latest run
        self.errors = self.whole_runs = 0
        message = self._message()
        message.rerun_script.page_name = page
        self.run(message)
        self.seconds = time.perf_counter() - start  # until it was open

    @property
    def is_on_map(self) -> bool:
        """Whether its page is the first one."""
        return self.page == self.pages.get("", self.page)

    def _message(self) -> BackMsg:
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self.page
        return message

    def run(self, message: BackMsg) -> float:
        """Has the script do what `message` asks for."""
        start = time.perf_counter()
        self.headings = []
        self.socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(self.socket.recv(timeout=300))
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                self.page = answer.new_session.page_script_hash
            elif kind == "navigation":
                self._begin(answer.navigation)
            elif kind == "auto_rerun":
                wait, fragment = answer.auto_rerun.interval, answer.auto_rerun.fragment_id
                self.due.setdefault(fragment, (wait, time.monotonic() + wait))
            elif kind == "page_info_changed":
                self.query = answer.page_info_changed.query_string
            elif kind == "delta":
                self._note(answer.delta)
            elif kind == "script_finished":
                self.errors += answer.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR
                if answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return time.perf_counter() - start

    def _begin(self, navigation) -> None:
        """A run of the whole page, not of a fragment: it starts with nothing."""
        self.whole_runs += 1
        self.pages = {page.url_pathname: page.page_script_hash for page in navigation.app_pages}
        self.page = navigation.page_script_hash
        self.buttons, self.choices, self.due, self.pad = {}, {}, {}, None

    def _note(self, delta) -> None:
        """Remembers the map, buttons and headings; counts what the script could not do."""
        element = delta.new_element
        kind = element.WhichOneof("type")
        self.errors += kind == "exception"
        is_red = kind == "alert" and element.alert.format == Alert.ERROR
        self.errors += is_red and not element.alert.body.startswith(DIAGNOSIS)
        if kind == "heading":
            self.headings.append(element.heading.body)
        elif kind == "button":
            self.buttons[element.button.label] = element.button.id, delta.fragment_id
        elif kind in ("selectbox", "button_group"):
            self._note_choice(kind, getattr(element, kind), delta.fragment_id)
        elif kind in ("bidi_component", "plotly_chart"):
            self.addresses |= set(map(bytes.decode, FILE.findall(element.SerializeToString())))
            name = getattr(element, kind).id
            if name.endswith("-map"):
                self.chart, self.fragment = name, delta.fragment_id
                self.is_live = kind == "bidi_component"
            elif name.endswith("-pad"):
                self.pad = name, delta.fragment_id

    def _note_choice(self, kind: str, element, fragment: str) -> None:
        _, is_setting, name = element.id.rpartition("-control-")
        if is_setting:
            options = [getattr(option, "content", option) for option in element.options]
            self.choices[name] = Choice(element.id, kind, fragment, options)

    def fetch(self) -> float:
        """Fetches what a browser with an empty cache would: the page, its scripts, map files."""
        start = time.perf_counter()
        if not self.fetched:
            page = self._get("/").decode()
            for address in re.findall(r'(?:src|href)="\.?/?(static/[^"]+\.(?:js|css))"', page):
                self._get(f"/{address}")
        for address in sorted(self.addresses - self.fetched):
            self._get(address)
        return time.perf_counter() - start

    def _get(self, address: str) -> bytes:
        self.fetched.add(address)
        try:
            self.files.request("GET", address, headers={"Accept-Encoding": "gzip"})
            answer = self.files.getresponse()
        except http.client.RemoteDisconnected:  # it rested too long; a browser tries again, too
            self.files.close()
            self.files.request("GET", address, headers={"Accept-Encoding": "gzip"})
            answer = self.files.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise OSError(f"{address} was answered with {answer.status}")
        is_packed = answer.headers["Content-Encoding"] == "gzip"
        return gzip.decompress(data) if is_packed and address == "/" else data

    def pin(self, number: int) -> float:
        """Clicks on a point of the map: the map pins and shows it, and the server keeps the link.

        A link without the point is an error, as is an answer of the plain app without the image.
        """
        message = self._message()
        message.rerun_script.fragment_id = self.fragment
        widget = message.rerun_script.widget_states.widgets.add(id=self.chart)
        if self.is_live:
            if len(self.pins) < MAX_PINS:
                z = [number % 7 / 3, number % 5 / 3]
                self.pins.append({"z": z, "name": chr(65 + len(self.pins)), "point": number})
            touch = {"point": number, "pins": self.pins, "look": LOOK}
            widget.json_value = json.dumps({"touch": touch})
            seconds = self.run(message)
            self.errors += not re.search(rf"\bpoint={number}\b", self.query)
            return seconds
        points = [{"customdata": {"0": number}, "point_index": 0, "curve_number": 0}]
        value = {"points": points, "point_indices": [], "box": [], "lasso": []}
        widget.string_value = json.dumps({"selection": value})
        seconds = self.run(message)
        self.errors += not any(re.match(rf"Image {number}\b", text) for text in self.headings)
        return seconds

    def choose(self, name: str, option: str) -> float:
        """Sets the drop-down or the row of buttons of a setting to one of its options."""
        choice, message = self.choices[name], self._message()
        message.rerun_script.fragment_id = choice.fragment
        widget = message.rerun_script.widget_states.widgets.add(id=choice.id)
        if choice.kind == "selectbox":
            widget.string_value = option
        else:
            widget.string_array_value.data.append(option)
        return self.run(message)

    @property
    def drawing_button(self) -> str:
        """Label of the button that opens the pad; a model of colour images has none."""
        return next((label for label in self.buttons if label.startswith("Draw a")), "")

    def draw(self, strokes: Sequence[Any]) -> float:
        """Draws on the pad, which is opened first where it is not there."""
        seconds = 0.0 if self.pad else self.press(self.drawing_button)
        message = self._message()
        name, message.rerun_script.fragment_id = self.pad
        widget = message.rerun_script.widget_states.widgets.add(id=name)
        widget.json_value = json.dumps({"strokes": [stroke.tolist() for stroke in strokes]})
        return seconds + self.run(message)

    def press(self, label: str) -> float:
        """Presses a button."""
        message = self._message()
        name, message.rerun_script.fragment_id = self.buttons[label]
        message.rerun_script.widget_states.widgets.add(id=name, trigger_value=True)
        return self.run(message)

    def visit(self, page: str) -> float:
        """Goes to another page, by its address."""
        self.query, self.page = "", self.pages[page]
        return self.run(self._message())

    def rest(self, seconds: float) -> list[float]:
        """Waits, and looks again whenever the page would; the seconds of each look."""
        end, looks = time.monotonic() + seconds, []
        while self.due:
            fragment, (wait, at) = min(self.due.items(), key=lambda one: one[1][1])
            if at > end:
                break
            time.sleep(max(0.0, at - time.monotonic()))
            self.due[fragment] = wait, max(at, time.monotonic() - wait) + wait
            message = self._message()
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
            looks.append(self.run(message))
        time.sleep(max(0.0, end - time.monotonic()))
        return looks

    def close(self) -> None:
        """Leaves."""
        self._stack.close()
