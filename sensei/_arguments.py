"""Arguments of a wrong kind, refused by name where they are given and not by accident where they are used."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import iscoroutinefunction
from math import isnan
from typing import TYPE_CHECKING, cast

from sensei._redact import revealed
from sensei.errors import ConfigurationError, InvalidArgumentError, SenseiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensei._request import TimeoutTypes


def is_number(value: object) -> bool:
    """True for a number that is not NaN and that a float can hold; True and False are none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return not isnan(value)
    except OverflowError:
        return False


def check_kind(name: str, value: object, kind: type, wanted: str) -> None:
    """See to it that a setting is a `kind`.

    Raises:
        ConfigurationError: it is not; `wanted` says what it must be. The value itself, which may be a secret, is not
            shown.
    """
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be {wanted}, not {kind_of(value)}")


def check_functions(owner: str, functions: Mapping[str, object]) -> None:
    """See to it that each of `functions` is a function or None.

    Raises:
        ConfigurationError: one is not.
    """
    for name, value in functions.items():
        if value is not None and not callable(value):
            raise ConfigurationError(f"{name} of {owner} must be a function, not {kind_of(value)}")


def check_timeout(timeout: object) -> TimeoutTypes:
    """`timeout`, when it is one.

    Raises:
        ConfigurationError: it is neither seconds above zero, None, nor a timeout object of httpx.
    """
    if timeout is None:
        return None
    if not isinstance(timeout, type) and hasattr(timeout, "as_dict"):
        return cast("TimeoutTypes", timeout)
    if not is_number(timeout) or not cast("float", timeout) > 0:
        raise ConfigurationError("timeout must be seconds above zero, None, or an httpx.Timeout")
    return cast("float", timeout)


def check_deadline(deadline: object) -> float | None:
    """`deadline`, when it is one.

    Raises:
        ConfigurationError: it is neither seconds above zero nor None.
    """
    if deadline is None:
        return None
    if not is_number(deadline) or not cast("float", deadline) > 0:
        raise ConfigurationError("deadline must be seconds above zero, or None")
    return cast("float", deadline)


def check_wait(
    timeout: object, interval: object, on_progress: Callable[..., object] | None, *, waits: bool = False
) -> None:
    """See to it that a wait can be kept.

    Raises:
        InvalidArgumentError: `timeout` or `interval` is no number of seconds, or `on_progress` no function, or one
            that would have to be awaited where nothing `waits` for it.
    """
    for name, seconds in (("timeout", timeout), ("interval", interval)):
        if seconds is not None and not (is_number(seconds) and cast("float", seconds) >= 0):
            raise InvalidArgumentError(f"{name} must be seconds, zero or more, or None")
    check_callback("on_progress", on_progress, waits=waits)


def check_callback(name: str, function: object, *, waits: bool = False) -> None:
    """See to it that what is to be called can be: `function` may be asynchronous where the caller waits for it.

    Raises:
        InvalidArgumentError: it is no function, or nothing would await it.
    """
    if function is not None and not callable(function):
        raise InvalidArgumentError(f"{name} must be a function, not {kind_of(function)}")
    if not waits and iscoroutinefunction(function):
        raise InvalidArgumentError(
            f"{name} is asynchronous and nothing would await it: use AsyncClient, or a plain one"
        )


def check_mapping(name: str, value: object, error: type[SenseiError] = InvalidArgumentError) -> None:
    """See to it that headers or query members are a mapping.

    Raises:
        SenseiError: they are not; of the class `error`.
    """
    if not isinstance(value, Mapping):
        raise error(f"{name} must be a mapping of names to values, not {kind_of(value)}")


def kind_of(value: object) -> str:
    """What `value` is, for a message that does not show it."""
    value = revealed(value)
    return f"the class {value.__name__} itself" if isinstance(value, type) else type(value).__name__
