"""The values that an option takes, as the SDK has them."""

from __future__ import annotations

from typing import cast, get_args


def values_of(kind: object) -> tuple[str, ...]:
    """The literals of a type for arguments, in their order.

    Examples:
        >>> from sensei.models.enums import LogLevelParam
        >>> values_of(LogLevelParam)
        ('debug', 'info', 'warning', 'error')
    """
    return cast("tuple[str, ...]", get_args(get_args(kind)[0]))
