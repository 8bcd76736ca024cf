"""What a server was started with: when it is for a class, and under which names it answers."""

import pytest
from streamlit import config

from explorer.server import announcement, options


@pytest.fixture
def start(monkeypatch):
    """Starts with an address, further names, and variables of the environment."""
    monkeypatch.setattr(options, "_current", options.Options())
    before = {name: config.get_option(name) for name in ("server.address", "server.allowedHosts")}

    def make(address="127.0.0.1", hosts=(), **environment):
        for name in ("LATENT_CLASS", "LATENT_ALLOW_FRAME", "LATENT_CLASS_GB", "LATENT_DASK"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        config.set_option("server.address", address)
        config.set_option("server.allowedHosts", list(hosts))
        return options.start()

    yield make
    for name, value in before.items():
        config.set_option(name, value)


@pytest.mark.parametrize(
    ("address", "hosts", "is_class"),
    [
        ("127.0.0.1", [], False), ("localhost", [], False), ("::1", [], False),
        ("127.0.0.1", ["localhost"], False), ("0.0.0.0", [], True), ("::", [], True),
        ("192.168.1.7", [], True), (None, [], True), ("127.0.0.1", ["school.example"], True),
    ],
)  # fmt: skip
def test_whoever_can_be_reached_by_others_is_for_a_class(start, address, hosts, is_class):
    assert start(address, hosts).is_class == is_class


def test_the_start_has_the_last_word(start):
    assert start("127.0.0.1", LATENT_CLASS="1").is_class
    assert not start("0.0.0.0", LATENT_CLASS="0").is_class


def test_it_answers_to_loopback_its_address_and_the_names_it_was_given(start):
    found = start("192.168.1.7", ["School.example"])
    assert found.hosts == {"localhost", "127.0.0.1", "::1", "192.168.1.7", "school.example"}
    assert set(config.get_option("server.allowedHosts")) == found.hosts
    assert announcement.address().startswith("http://school.example:")
    assert "school.example" not in start("127.0.0.1").hosts


def test_bound_to_all_it_answers_to_addresses_of_this_machine_and_no_names(start):
    names = start("0.0.0.0").hosts - {"localhost"}
    assert names and all(options._is_ip(name) for name in names)


@pytest.mark.parametrize("text", ["School.example.", " school.example ", "SCHOOL.EXAMPLE"])
def test_a_name_is_taken_as_browsers_send_it(start, text):
    assert "school.example" in start("127.0.0.1", [text]).hosts


@pytest.mark.parametrize(
    "text", ["http://school.example", "school.example:8501", "a b", "a/b", "", "*.", "a*b"]
)
def test_what_would_never_match_is_refused(start, text):
    with pytest.raises(ValueError, match="a host must be a name or address"):
        start("127.0.0.1", [text])


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "two"])
def test_room_is_a_number_of_gigabytes(start, text):
    with pytest.raises(ValueError, match="the room for runs must be a number of gigabytes"):
        start(LATENT_CLASS_GB=text)


def test_a_scheduler_is_named_by_the_start_and_checked(start):
    assert start().dask == ""
    for address in ("local", "tcp://127.0.0.1:8786", "tls://cluster.example:8786"):
        assert start(LATENT_DASK=address).dask == address
    with pytest.raises(ValueError, match="must be reached by tls://"):
        start(LATENT_DASK="tcp://cluster.example:8786")
