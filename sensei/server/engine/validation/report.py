"""The report of a validation for people: as one page of HTML, or as PDF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensei.server.engine.validation.types import ValidationOutcome


def to_html(report: Mapping[str, Any], outcome: ValidationOutcome | None) -> str:
    """The report as one page that needs nothing from outside: no script, no font, no picture.

    Parameters:
        report: The contract's `ValidationReport` as JSON data.
        outcome: What the engine found, for pictures and evidence; None where the validation broke.
    """
    from sensei.server.engine.validation.report_html import page

    return page(report, outcome)


def to_pdf(report: Mapping[str, Any], outcome: ValidationOutcome | None) -> bytes:
    """The same as a PDF of A4 pages, with its fonts inside.

    Parameters:
        report: The contract's `ValidationReport` as JSON data.
        outcome: What the engine found, for pictures and evidence; None where the validation broke.
    """
    from sensei.server.engine.validation.report_pdf import document

    return document(report, outcome)
