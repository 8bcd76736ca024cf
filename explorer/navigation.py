"""The page: its frame, and which screens it has."""

from collections.abc import Callable
from importlib import import_module

import streamlit as st

from explorer import page_queue, state
from explorer.assets import bundle
from explorer.browser import loader
from explorer.guide import GUIDES, heading
from explorer.server import uploads
from explorer.services import adapter_model, catalogue

NAME = "Latent space explorer"


def screen(view: str) -> Callable[[], None]:
    """Shows a view below its heading. The view is imported when it is first asked for: the first
    map waits for no other screen."""

    def show() -> None:
        st.html(heading(view, _kind(view)))
        import_module(f"explorer.views.{view}.page").show()

    return show


def _kind(view: str) -> str:
    """What the map has in place of a model with codes of images; empty where it has one."""
    if view != "latent_map":
        return ""
    state.load()
    chosen, codes = state.get("model"), adapter_model.codes_alone()
    if codes and chosen == adapter_model.ID:
        return codes
    entry = catalogue.all_models().get(chosen)
    return "plane" if entry and not catalogue.has_codes(entry) else ""


def page_of(view: str, **options: bool) -> st.Page:
    """Makes a page of a view, named as its heading is."""
    path = view.replace("_", "-")
    return st.Page(screen(view), title=GUIDES[view].title, url_path=path, **options)


def page_of_before(view: str, path: str) -> st.Page:
    """Makes a page that only links from earlier versions lead to."""
    return st.Page(screen(view), title=GUIDES[view].title, url_path=path, visibility="hidden")


PAGES = [page_of("latent_map", default=True), *map(page_of, list(GUIDES)[1:])]
PAGES.append(page_of_before("lessons", "experiments"))
menu = "hidden" if st.context.is_embedded else "top"  # a frame in another page holds one page
page = st.navigation(PAGES, position=menu)
st.set_page_config(f"{page.title} · {NAME}", "🌌", "wide", "collapsed")
with st.container(key="frame"):  # one element: each costs the server as much as any other
    scripts = "".join(f"<script>{script}</script>" for script in loader.page_scripts())
    style = f"<style>{bundle.page_style()}</style>"
    st.html(style + scripts, unsafe_allow_javascript=True)
with page_queue.turn(), uploads.page():
    page.run()
