"""The origin that a server tells is one that a client can use."""

from __future__ import annotations

from contextlib import closing

import pytest

from sensei.server.serve import bind, origin_of


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")])
@pytest.mark.parametrize("tls", [True, False])
def test_a_server_that_listens_everywhere_is_named_where_it_can_be_reached(host: str, shown: str, tls: bool) -> None:
    with closing(bind(host, 0)) as listener:
        port = listener.getsockname()[1]
        assert origin_of(listener, tls=tls) == f"{'https' if tls else 'http'}://{shown}:{port}"
