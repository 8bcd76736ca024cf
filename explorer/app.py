"""The app: `python -m streamlit run explorer/app.py` serves the page, its files and decoders."""

import streamlit as st

from explorer import first_map
from explorer.assets import decoding, store

app = st.App(
    "navigation.py",
    lifespan=first_map.lifespan,
    routes=[*decoding.routes(), *store.routes()],
)
