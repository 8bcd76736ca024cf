"""Pages of others that show the app inside: none, or those that the start allows, to look."""

import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.helpers.app_server import app_server
from tests.helpers.chromium import TIMEOUT

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@contextmanager
def framing(url):
    """A page on another port that shows an address inside; its own address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<iframe src="{url[0]}" width="1200" height="900">'.encode())

        def log_message(self, *_):
            """Says nothing."""

    with closing(ThreadingHTTPServer(("127.0.0.1", 0), Page)) as server:
        server.close = server.server_close
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_only_an_allowed_page_shows_the_app_and_there_nothing_can_be_changed(
    chromium, tmp_path, monkeypatch
):
    url = [""]
    with framing(url) as allowed, framing(url) as other:
        by_name = allowed.replace("127.0.0.1", "school.example")
        monkeypatch.setenv("LATENT_ALLOW_FRAME", f"{allowed} {by_name}")
        monkeypatch.setenv("STREAMLIT_SERVER_ALLOWED_HOSTS", "school.example")
        monkeypatch.setenv("LATENT_CLASS", "0")
        with (
            app_server(tmp_path) as (address, _),
            closing(chromium.new_context(viewport={"width": 1440, "height": 900})) as context,
        ):
            context.set_default_timeout(TIMEOUT)
            url[0] = f"{address}/train"
            page, refused = context.new_page(), []
            page.on("console", lambda message: refused.append(message.text))
            page.goto(other)
            page.wait_for_function("() => document.querySelector('iframe')")
            while not any("frame-ancestors" in text for text in refused):
                page.wait_for_timeout(50)
            assert page.frame_locator("iframe").get_by_role("button").count() == 0
            page.goto(allowed)
            frame = page.frame_locator("iframe")
            link = frame.get_by_role("link", name="Open in a window to train")
            link.wait_for()
            assert frame.get_by_role("button", name="Train", exact=True).count() == 0
            with context.expect_page() as opened:
                link.click()
            opened.value.get_by_role("button", name="Train", exact=True).wait_for()
            # over http:// and a name, as in a class, no browser tells the server of a frame
            url[0] = url[0].replace("127.0.0.1", "school.example")
            page.goto(by_name)
            link.wait_for()
            assert frame.get_by_role("button", name="Train", exact=True).count() == 0
