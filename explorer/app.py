"""The app: `python -m streamlit run explorer/app.py` serves the page and the files it fetches."""

import streamlit as st

from explorer import first_map
from explorer.assets import store

app = st.App("navigation.py", lifespan=first_map.lifespan, routes=store.routes())
