"""What the embedded server logs is kept from other users of the machine."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

from sensei.cli._options import Options
from sensei.cli._server import _log_to


def test_the_log_is_made_when_needed_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    with _log_to(path, Options()):
        assert not path.exists()
        logging.getLogger("sensei.server").warning("something")
    assert "WARNING something" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
