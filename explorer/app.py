"""The app: `python -m streamlit run explorer/app.py` serves the page, its files and decoders.

Streamlit reads `.streamlit/config.toml` beside this file, whatever the working folder.
"""

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # these packages, not namesakes

from explorer import first_map
from explorer.assets import decoding, store
from explorer.server import options, visitors
from explorer.server.guard import Guard
from explorer.server.messages import Messages
from explorer.server.open_files import Room
from explorer.server.statics import Statics
from explorer.server.uploads import Uploads
from explorer.server.visitors import Introduction

options.start()
app = st.App(
    "navigation.py",
    lifespan=first_map.lifespan,
    routes=[*decoding.routes(), *store.routes(), *visitors.routes()],
    middleware=list(map(Middleware, (Guard, Statics, Room, Introduction, Uploads, Messages))),
)
