"""What the tests of models that come from outside share."""

import pytest

from explorer import __main__


@pytest.fixture
def served(monkeypatch):
    """The command line, without a server: where it would serve."""
    calls = []
    monkeypatch.setattr(__main__, "serve", lambda *given: calls.append(given))
    return calls
