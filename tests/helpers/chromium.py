"""Finds Chromium, and names what it is started with."""

import shutil

TIMEOUT = 300_000
"""Milliseconds after which a wait has failed: many times what any takes, loaded or not."""
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
]  # fmt: skip
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
