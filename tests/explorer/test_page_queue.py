"""Turns: one thread after the other, and nobody waits for one that takes long."""

import random
import threading
import time

import pytest

from explorer.page_queue import Turns


def begin(turns, action):
    """A thread that does something in its turn; by then it stands in the queue."""
    before = len(turns._queue)
    thread = threading.Thread(target=in_turn, args=(turns, action))
    thread.start()
    while len(turns._queue) == before and thread.is_alive():
        time.sleep(0.001)
    return thread


def in_turn(turns, action):
    with turns.turn():
        action()


def test_threads_have_it_one_at_a_time_in_the_order_of_arrival():
    turns, seen, inside, most = Turns(60.0), [], [], []

    def work(number):
        inside.append(number)
        most.append(len(inside))
        time.sleep(0.002)
        seen.append(inside.pop())

    with turns.turn():
        threads = [begin(turns, lambda number=number: work(number)) for number in range(12)]
        assert not seen
    for thread in threads:
        thread.join(30)
    assert seen == list(range(12)) and max(most) == 1


def test_a_thread_that_has_it_need_not_wait_for_itself():
    turns = Turns(60.0)
    with turns.turn():
        with turns.turn():
            pass
        other = begin(turns, lambda: None)
        other.join(0.05)
        assert other.is_alive(), "the inner block must not end the outer one's turn"
    other.join(30)
    assert not other.is_alive()


def test_an_error_ends_the_turn():
    turns = Turns(60.0)
    with pytest.raises(KeyError), turns.turn():
        raise KeyError("x")
    other = begin(turns, lambda: None)
    other.join(30)
    assert not other.is_alive()


def test_one_that_takes_long_goes_on_beside_the_next():
    turns, held, inside = Turns(0.05), threading.Event(), []
    long_one = begin(turns, lambda: held.wait(30))
    start = time.monotonic()
    others = [begin(turns, lambda: inside.append(time.monotonic())) for _ in range(3)]
    for other in others:
        other.join(30)
    assert long_one.is_alive() and len(inside) == 3
    assert inside[0] - start > 0.02 and inside[-1] - start < 10
    held.set()
    long_one.join(30)
    assert not turns._queue


def test_whatever_they_do_all_have_their_turn_and_none_is_left():
    turns, generator, done = Turns(0.005), random.Random(0), []

    def work(seconds):
        time.sleep(seconds)
        with turns.turn():
            done.append(seconds)

    pauses = [generator.choice([0.0, 0.0, 0.001, 0.02]) for _ in range(200)]
    threads = [
        threading.Thread(target=in_turn, args=(turns, lambda pause=pause: work(pause)))
        for pause in pauses
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == sorted(pauses) and not turns._queue
