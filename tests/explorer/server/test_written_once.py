"""What begins a run is the same as Streamlit writes it, and is written once."""

import pytest
from streamlit import config
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.runtime import app_session

from explorer.server import written_once

SECTIONS = ("theme", "theme.light", "theme.dark", "theme.sidebar", "theme.light.sidebar")


@pytest.fixture
def theme():
    """Colours as `.streamlit/config.toml` sets them, until the end of the test."""
    names = {"theme.light.primaryColor": "#27659e", "theme.dark.primaryColor": "#5aa9e6"}
    before = {name: config.get_option(name) for name in names}
    for name, value in names.items():
        config.set_option(name, value)
    yield
    for name, value in before.items():
        config.set_option(name, value)


def begun():
    """The parts of the message, as the functions of the session write them."""
    message = NewSession()
    app_session._populate_config_msg(message.config)
    theme = message.custom_theme
    places = (theme, theme.light, theme.dark, theme.sidebar, theme.light.sidebar)
    for section, place in zip(SECTIONS, places, strict=True):
        app_session._populate_theme_msg(place, section)
    return message


def test_streamlit_has_the_functions():
    assert all(callable(getattr(app_session, name)) for name in written_once.WRITERS)


def test_every_message_is_the_one_that_streamlit_writes(theme, monkeypatch):
    original = begun()
    assert original.custom_theme.dark.primary_color == "#5aa9e6"
    for name in written_once.WRITERS:
        monkeypatch.setattr(
            app_session, name, written_once.copying(getattr(app_session, name)), raising=True
        )
    first, second = begun(), begun()
    serialized = [m.SerializeToString(deterministic=True) for m in (original, first, second)]
    assert len(set(serialized)) == 1
    monkeypatch.setattr(config, "get_options_for_section", None)  # it is not asked again
    assert begun() == original


def test_a_streamlit_without_them_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(written_once, "WRITERS", ("_not_there",))
    written_once.prepare()
    assert not hasattr(app_session, "_not_there")
