"""`python -m sensei` is the `sensei` command."""

from __future__ import annotations

import sys

from sensei._entry import main

if __name__ == "__main__":
    sys.exit(main())
