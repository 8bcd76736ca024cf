"""The page: its frame, and which screens it has."""

import streamlit as st

from explorer.views import latent_map

st.set_page_config("Latent space explorer", "🌌", layout="wide", initial_sidebar_state="collapsed")
page = st.navigation([st.Page(latent_map.show, title="Latent map", default=True)], position="top")
st.html("<style>.stMainBlockContainer {padding-top: 3.4rem; padding-bottom: 3rem}</style>")
st.subheader("Latent space explorer", anchor=False)
page.run()
