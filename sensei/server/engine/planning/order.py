"""The order of tables: parents before children."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def in_dependency_order(names: Sequence[str], parents: Mapping[str, set[str]]) -> tuple[list[str], list[str]]:
    """Sort so that a table comes after those it refers to.

    Args:
        names: The tables, in the order to keep where nothing speaks against it.
        parents: Table → tables it refers to.

    Returns:
        The sorted names, and those where a cycle had to be broken.
    """
    known = set(names)
    open_parents = {name: (parents.get(name, set()) & known) - {name} for name in names}
    ordered: list[str] = []
    broken: list[str] = []
    left = list(names)
    while left:
        ready = [name for name in left if not open_parents[name]]
        if not ready:
            ready = [min(left, key=lambda name: (len(open_parents[name]), left.index(name)))]
            broken += ready
        ordered += ready
        done = set(ready)
        left = [name for name in left if name not in done]
        for name in left:
            open_parents[name] -= done
    return ordered, broken
