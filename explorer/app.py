"""The app: `python -m streamlit run explorer/app.py` serves the page and the files it fetches."""

import streamlit as st

from explorer import files

app = st.App("page.py", routes=files.routes())
