"""Write the result of a command to stdout, in the form that was asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence

from sensei.cli._options import Options
from sensei.cli._text import clean


def write_result(options: Options, document: Mapping[str, object], *, ids: Sequence[str], text: str) -> None:
    """Write a result.

    Args:
        options: Say which form.
        document: The whole result, for programs.
        ids: What `--quiet` prints.
        text: The result for people.
    """
    if options.quiet:
        written = "\n".join(clean(one) for one in ids)
    elif options.output == "json":
        written = json.dumps(document, ensure_ascii=False, indent=2)
    elif options.output == "yaml":
        import yaml

        written = yaml.safe_dump(dict(document), allow_unicode=True, sort_keys=False).rstrip()
    else:
        written = text
    sys.stdout.write(written + "\n")
