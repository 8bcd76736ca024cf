"""Turns in the queue: the order, and how long it is."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from explorer.jobs.turns import Claim, order, waits

OWNERS = st.lists(st.sampled_from("abc"), max_size=12)


@given(OWNERS, OWNERS, OWNERS)
def test_nobody_waits_behind_all_of_another(owners, working, served):
    """Nobody has one more turn than another who waits."""
    line = order(owners, working, served)
    assert sorted(line) == list(range(len(owners)))
    for place, job in enumerate(line):
        before = Counter(owners[other] for other in line[:place])
        had = before[owners[job]] + working.count(owners[job])
        for other in set(owners) - {owners[job]}:
            assert before[other] <= max(0, had + 1 - working.count(other))


def test_after_a_turn_it_is_the_others():
    assert order(["a", "b"], working=[], served=["b", "a"]) == [1, 0]
    assert order(["a", "c"], working=[], served=["a"]) == [1, 0]


@given(OWNERS)
def test_one_owners_jobs_keep_their_order(owners):
    line = order(owners, [])
    for owner in set(owners):
        mine = [job for job in line if owners[job] == owner]
        assert mine == sorted(mine)


def test_one_owner_alone_is_served_in_the_order_of_coming():
    assert order(["a"] * 5, ["a"]) == [0, 1, 2, 3, 4]


def test_known_waits():
    ten = Claim("a", 1, 10.0)
    assert waits([ten, ten], [ten], slots=1, one_each=False) == [10.0, 20.0]
    assert waits([ten, ten], [ten], slots=2, one_each=False) == [0.0, 10.0]
    assert waits([ten, ten], [ten], slots=2, one_each=True) == [10.0, 20.0]
    sweep = Claim("b", 2, 30.0)
    assert waits([sweep, ten], [ten], slots=2, one_each=False) == [10.0, 40.0]


def test_an_unknown_time_makes_those_after_it_unknown():
    ten, unknown = Claim("a", 1, 10.0), Claim("b", 1, None)
    assert waits([ten, unknown, ten], [], slots=1, one_each=False) == [0.0, 10.0, None]
    assert waits([ten], [unknown], slots=1, one_each=False) == [None]
