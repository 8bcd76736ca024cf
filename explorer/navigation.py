"""The page: its frame, and which screens it has."""

from collections.abc import Callable
from importlib import import_module

import streamlit as st

from explorer import page_queue
from explorer.assets import bundle


def screen(view: str) -> Callable[[], None]:
    """Shows a view, which is imported when it is first asked for: the first map waits for no
    other screen."""
    return lambda: import_module(f"explorer.views.{view}.page").show()


st.set_page_config("Latent space explorer", "🌌", layout="wide", initial_sidebar_state="collapsed")
PAGES = [
    st.Page(screen("latent_map"), title="Latent map", url_path="latent-map", default=True),
    st.Page(screen("train"), title="Train", url_path="train"),
    st.Page(screen("trade_off"), title="Trade-off", url_path="trade-off"),
    st.Page(screen("collapse"), title="Collapse", url_path="collapse"),
    st.Page(screen("experiments"), title="Experiments", url_path="experiments"),
]
page = st.navigation(PAGES, position="top")
st.html("<style>.stMainBlockContainer {padding-top: 3.4rem; padding-bottom: 3rem}</style>")
st.html(f"<script>{bundle.history_script()}</script>", unsafe_allow_javascript=True)
st.subheader("Latent space explorer", anchor=False)
with page_queue.pages.turn():
    page.run()
