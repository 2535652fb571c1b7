"""What a person is shown of a mapping before anything is written."""

from __future__ import annotations

import pytest

from sensei import Mapping
from sensei.cli._review import row_of


@pytest.mark.parametrize(
    ("status", "requires_approval", "shown"),
    [
        ("approved", True, "approved"),
        ("approved", False, "approved"),
        ("pending_review", True, "needs a decision"),
        ("pending_review", False, "in review"),
        ("rejected", True, "rejected"),
        ("a_later_status", False, "a_later_status"),
    ],
)
def test_what_is_still_to_be_decided_is_said(status: str, requires_approval: bool, shown: str) -> None:
    column = {"table": "customers", "column": "newsletter", "type": "BOOLEAN"}
    mapping = Mapping.model_validate(
        {
            "source": column,
            "target": column,
            "confidence": 0.75,
            "status": status,
            "requires_approval": requires_approval,
        }
    )

    assert row_of(mapping).status == shown
