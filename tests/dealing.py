"""How tests are dealt out to processes: neighbours of one file together, for what a file builds for its tests is then
built once in a process and not in each; no more of them at a time than leaves the last process little to wait for.

One by one, as pytest-xdist does by itself, costs its own process more than a millisecond a test, and a site more a
file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby

from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

MOST = 40


class Neighbours(LoadGroupScheduling):  # type: ignore[misc]
    """Tests with a mark `xdist_group` go by it, the others by their file."""

    @cached_property
    def _hands(self) -> dict[str, str]:
        found = next(iter(self.registered_collections.values()))
        size = max(1, min(MOST, len(found) // (100 * self.numnodes)))
        return dict(dealt([super(Neighbours, self)._split_scope(each) for each in found], found, size))

    def _split_scope(self, nodeid: str) -> str:
        return self._hands[nodeid]


def dealt(groups: Sequence[str], nodeids: Sequence[str], size: int) -> Iterator[tuple[str, str]]:
    """(test, what it goes with). A test without a group has its own id for one."""
    for group, nodeid in zip(groups, nodeids, strict=True):
        if group != nodeid:
            yield nodeid, group
    alone = [nodeid for group, nodeid in zip(groups, nodeids, strict=True) if group == nodeid]
    for file, tests in groupby(alone, lambda nodeid: nodeid.partition("::")[0]):
        for place, nodeid in enumerate(tests):
            yield nodeid, f"{file} {place // size}"
