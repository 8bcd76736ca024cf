"""The page: its frame, and which screens it has."""

import streamlit as st

from explorer import page_queue
from explorer.views.collapse.page import show as show_collapse
from explorer.views.experiments.page import show as show_experiments
from explorer.views.latent_map.page import show as show_latent_map
from explorer.views.trade_off.page import show as show_trade_off
from explorer.views.train.page import show as show_train

st.set_page_config("Latent space explorer", "🌌", layout="wide", initial_sidebar_state="collapsed")
PAGES = [
    st.Page(show_latent_map, title="Latent map", default=True),
    st.Page(show_train, title="Train", url_path="train"),
    st.Page(show_trade_off, title="Trade-off", url_path="trade-off"),
    st.Page(show_collapse, title="Collapse", url_path="collapse"),
    st.Page(show_experiments, title="Experiments", url_path="experiments"),
]
page = st.navigation(PAGES, position="top")
st.html("<style>.stMainBlockContainer {padding-top: 3.4rem; padding-bottom: 3rem}</style>")
st.subheader("Latent space explorer", anchor=False)
with page_queue.pages.turn():
    page.run()
