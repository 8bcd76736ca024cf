"""The page: its frame, and which screens it has."""

import streamlit as st

from explorer import turns
from explorer.views import collapse, experiments, latent_map, trade_off, train

st.set_page_config("Latent space explorer", "🌌", layout="wide", initial_sidebar_state="collapsed")
PAGES = [
    st.Page(latent_map.show, title="Latent map", default=True),
    st.Page(train.show, title="Train", url_path="train"),
    st.Page(trade_off.show, title="Trade-off", url_path="trade-off"),
    st.Page(collapse.show, title="Collapse", url_path="collapse"),
    st.Page(experiments.show, title="Experiments", url_path="experiments"),
]
page = st.navigation(PAGES, position="top")
st.html("<style>.stMainBlockContainer {padding-top: 3.4rem; padding-bottom: 3rem}</style>")
st.subheader("Latent space explorer", anchor=False)
with turns.pages.turn():
    page.run()
