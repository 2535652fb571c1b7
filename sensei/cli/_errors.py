"""What went wrong, as one line that says what to do, and the exit code that goes with it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sensei.cli._screen import for_screen
from sensei.cli._signals import INTERRUPTED, exit_code_of
from sensei.cli._text import clean

if TYPE_CHECKING:
    from sensei.cli._options import Options
    from sensei.errors import SenseiError

FAILED, USAGE, CREDENTIALS, NOT_FOUND, UNREACHABLE = 1, 2, 3, 4, 5


_NO_KEY = (
    "no API key: set SENSEI_API_KEY or name a --profile; without an account, try `sensei demo`, or `sensei serve`, "
    "which prints a key for this machine"
)


class CommandError(Exception):
    """The command cannot do its work; the message is for the user and says what to do.

    Attributes:
        message: One line.
        exit_code: What the process ends with.
    """

    def __init__(self, message: str, *, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class StoppedError(CommandError):
    """The user pressed Ctrl-C, or SIGTERM came; the message says what was left behind and how to go on."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, exit_code=INTERRUPTED)


def report(error: BaseException, options: Options) -> int:
    """Write an error to stderr and return the exit code."""
    if isinstance(error, KeyboardInterrupt | StoppedError):
        left = error.message if isinstance(error, StoppedError) else ""
        if sys.stderr.isatty():
            # Over the ^C that the terminal shows.
            sys.stderr.write("\r")
        write_line(f"Stopped: {left}" if left else "Stopped.")
        return exit_code_of(error)
    message, code = describe(error, options)
    write_line(f"Error: {message}")
    if options.debug:
        _write_details(error, options)
    return code


def write_line(text: str) -> None:
    """Write a line to stderr, fitted to the terminal when it is one."""
    sys.stderr.write(f"{for_screen(clean(text), sys.stderr)}\n")


def describe(error: BaseException, options: Options) -> tuple[str, int]:
    """Give the line to show and the exit code for anything that can be raised."""
    if isinstance(error, CommandError):
        return error.message, error.exit_code
    from sensei import errors
    from sensei.cli._wording import in_words

    if isinstance(error, errors.SenseiError):
        return _NO_KEY if error.code == "no_api_key" else in_words(error, options.names), _code_of(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}", FAILED
    return f"unexpected {type(error).__name__}: {error}. Run it again with --debug and report what it shows.", FAILED


def _code_of(error: SenseiError) -> int:
    from sensei import errors

    if error.code == "no_api_key":
        return CREDENTIALS
    table: tuple[tuple[type[Exception], int], ...] = (
        (errors.AuthenticationError, CREDENTIALS),
        (errors.PermissionDeniedError, CREDENTIALS),
        (errors.NotFoundError, NOT_FOUND),
        (errors.BadRequestError, USAGE),
        (errors.UnprocessableEntityError, USAGE),
        (errors.APIConnectionError, UNREACHABLE),
        (errors.ConfigurationError, USAGE),
        (errors.InvalidArgumentError, USAGE),
    )
    return next((code for kind, code in table if isinstance(error, kind)), FAILED)


def _write_details(error: BaseException, options: Options) -> None:
    from sensei import errors

    write_exchange(options)
    if isinstance(error, errors.APIStatusError):
        _write_indented(error.as_curl(), error.body)
    elif isinstance(error, errors.APIConnectionError):
        _write_indented(error.as_curl())
    elif not isinstance(error, CommandError | errors.SenseiError):
        import traceback

        sys.stderr.write("".join(traceback.format_exception(error)))


def write_exchange(options: Options) -> None:
    """Write what was exchanged with the API, when it was kept."""
    if options.exchange is not None:
        _write_indented(*options.exchange.lines())


def _write_indented(*lines: str) -> None:
    sys.stderr.write("".join(f"  {clean(line)}\n" for line in lines if line))
