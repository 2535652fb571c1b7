"""The two slots that every model has beside its data, set directly: assignment to a model takes ten times as long."""

from __future__ import annotations

from collections.abc import Callable

from sensei.models.base import Model
from sensei.models.response import ResponseInfo

set_client: Callable[[object, object], None] = Model.__dict__["_client"].__set__
"""Give an object the client that its methods use."""

set_response: Callable[[object, ResponseInfo], None] = Model.__dict__["_last_response"].__set__
"""Tell an object the answer that it came with."""
