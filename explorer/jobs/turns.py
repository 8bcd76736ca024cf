"""Whose turn it is in the queue: everyone's first job, then everyone's second; and how soon.

So nobody waits behind all that another has asked for. With one owner alone, the order is the one in
which the jobs came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Claim(NamedTuple):
    """A job that waits or works: its owner, the slots it takes, and its seconds (those left, if it
    works; None if they are not known)."""

    owner: str
    slots: int
    seconds: float | None


def order(owners: Sequence[str], working: Sequence[str], served: Sequence[str] = ()) -> list[int]:
    """Orders waiting jobs: next is whose owner has had fewest, then whose turn was longest ago.

    Args:
        owners: Of the waiting jobs, in the order in which they came.
        working: Owners of the jobs at work.
        served: Owners whose jobs were started, the last one last.

    Returns:
        Positions in `owners`, the next one first.

    Example:
        >>> order(["ann", "ann", "bob"], working=[])
        [0, 2, 1]
        >>> order(["ann", "ann", "bob"], working=["ann"])
        [2, 0, 1]
    """
    taken, last = Counter(working), {owner: turn for turn, owner in enumerate(served)}
    waiting, line = list(range(len(owners))), []
    while waiting:
        place = min(waiting, key=lambda job: (taken[owners[job]], last.get(owners[job], -1), job))
        waiting.remove(place)
        line.append(place)
        taken[owners[place]] += 1
        last[owners[place]] = len(served) + len(line)
    return line


def waits(
    waiting: Sequence[Claim], working: Sequence[Claim], slots: int, one_each: bool
) -> list[float | None]:
    """Estimates how long each waiting job has to wait.

    Args:
        waiting: In their order.
        working: At work.
        slots: Of the server.
        one_each: Whether only one job of an owner may work at a time.

    Returns:
        Seconds for each of `waiting`; None where one before it takes an unknown time.

    Example:
        >>> one, two = Claim("ann", 1, 10.0), Claim("bob", 1, 20.0)
        >>> waits([two, one], [one], slots=1, one_each=True)
        [10.0, 30.0]
    """
    free, busy, begins = [0.0] * slots, dict[str, float](), []
    is_known = all(claim.seconds is not None for claim in working)
    for claim in working if is_known else ():
        _take(free, claim, 0.0)
        busy[claim.owner] = claim.seconds
    for claim in waiting:
        begin = None
        if is_known:
            after = busy.get(claim.owner, 0.0) if one_each else 0.0
            begin = max(after, sorted(free)[min(claim.slots, slots) - 1])
        begins.append(begin)
        is_known = is_known and claim.seconds is not None
        if is_known:
            _take(free, claim, begin)
            busy[claim.owner] = begin + claim.seconds
    return begins


def _take(free: list[float], claim: Claim, begin: float) -> None:
    """Gives a job the slots that are free first."""
    free.sort()
    for slot in range(min(claim.slots, len(free))):
        free[slot] = begin + claim.seconds
