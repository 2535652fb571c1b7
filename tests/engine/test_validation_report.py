"""The report is one safe page for people, and a PDF that says the same."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensei.server.engine.validation.report import to_html, to_pdf
from sensei.server.engine.validation.types import ColumnProfile, Rule, ValidationOutcome
from sensei.server.validations.serialization import issues, outcome_from_json, outcome_to_json, results
from tests.engine import faithful

HOSTILE = "<script>alert('1')</script> \" & \u202e 漢字 \U0001f98a \x00 \udc80 ' onload=x"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> ValidationOutcome:
    """A validation with much to tell, as it comes back from the store."""
    folder = tmp_path_factory.mktemp("report")
    source = faithful.make_sqlite(folder / "a.db")
    rows = dict(faithful.ROWS)
    rows["visits"] = rows["visits"][:-20]
    rows["customers"] = [(*row[:3], HOSTILE[:30], *row[4:]) for row in rows["customers"]]
    target = faithful.make_sqlite(folder / "b.db", rows=rows)
    rules = (
        Rule(id="rule_1", name=HOSTILE, sql="SELECT 1", expected=1),
        Rule(id="rule_2", name="broken", sql="SELECT 'x'", expected="y", severity="warning"),
    )
    found = faithful.check(faithful.job(source, target), rules=rules)
    return outcome_from_json(outcome_to_json(found))


def _report(outcome: ValidationOutcome | None, **changes: Any) -> dict[str, Any]:
    validation: dict[str, Any] = {
        "id": "val_xyz789",
        "migration_id": "mig_abc123def456",
        "type": "full",
        "status": "completed" if outcome else "failed",
        "overall_result": outcome.overall_result if outcome else None,
        "confidence_score": outcome.confidence_score if outcome else None,
        "results": results(outcome.perspectives) if outcome else {},
        "certificate_id": None,
        "completed_at": "2026-02-02T18:17:00Z",
        "error": None if outcome else {"code": "connection_unreachable", "message": f"gone {HOSTILE}"},
    }
    return {
        "validation": validation,
        "migration": {
            "id": "mig_abc123def456",
            "name": HOSTILE,
            "source": {"connection_id": "conn_1", "connection_name": HOSTILE},
            "target": {"connection_id": "conn_2", "schema": "public"},
        },
        "generated_at": "2026-02-02T22:00:00Z",
        "issues": issues(outcome, details=True) if outcome else [],
        "rules": [
            {
                "rule_id": rule.rule_id,
                "name": rule.name,
                "passed": rule.passed,
                "severity": rule.severity,
                "expected": rule.expected,
                "actual": rule.actual,
            }
            for rule in (outcome.rules if outcome else ())
        ],
        **changes,
    }


class Page(HTMLParser):
    """Which tags and attributes a page has, and that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


ALLOWED = set(
    "html head meta title style body main header section article footer div h1 h2 h3 p span code strong b i ul li "
    "dl dt dd details summary pre table thead tbody tr th td svg circle text rect line title".split()
)


def _read(page: str) -> Page:
    read = Page(page)
    assert read.open == []
    assert read.tags <= ALLOWED
    assert not [name for name, _ in read.attributes if name.startswith("on") or name in ("src", "href", "srcset")]
    assert not re.search(r"url\(|@import|https?://", page)
    page.encode("utf-8")
    return read


def test_the_page_needs_nothing_from_outside_and_runs_nothing(outcome: ValidationOutcome) -> None:
    read = _read(to_html(_report(outcome), outcome))
    text = "".join(read.text)
    assert "<script>alert('1')</script>" in text, "shown as text"
    assert "漢字 \U0001f98a" in text


def test_the_page_says_the_verdict_every_perspective_and_every_issue_worst_first(outcome: ValidationOutcome) -> None:
    report = _report(outcome)
    page = to_html(report, outcome)
    text = "".join(_read(page).text)
    assert "Validation val_xyz789: Failed" in text
    for title in ("Structure", "Data", "References", "Meaning", "Behavior"):
        assert title in text
    assert [issue["severity"] for issue in report["issues"]] == sorted(
        (issue["severity"] for issue in report["issues"]), key=["critical", "error", "warning", "info"].index
    )
    places = [text.find(issue["message"].replace("\x00", "\ufffd")[:60]) for issue in report["issues"]]
    assert min(places) > 0
    assert [artifact.digest in text for artifact in outcome.artifacts] == [True] * 5


def test_the_pictures_show_both_sides(outcome: ValidationOutcome) -> None:
    read = _read(to_html(_report(outcome), outcome))
    assert {("class", "source"), ("class", "target")} <= read.attributes
    assert ("aria-label", "distribution of customers.balance, source above and target below") in read.attributes


def test_a_broken_validation_has_a_page_too() -> None:
    text = "".join(_read(to_html(_report(None), None)).text)
    assert "Broken" in text
    assert "gone <script>" in text
    assert to_pdf(_report(None), None).startswith(b"%PDF-")


def test_a_name_cannot_turn_the_direction_of_what_follows(outcome: ValidationOutcome) -> None:
    report = _report(outcome)
    report["migration"]["name"] = "shop\u202elld.gpj\u2066"
    page = to_html(report, outcome)
    assert "shop[U+202E]lld.gpj[U+2066]" in page
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", page)
    assert to_pdf(report, outcome).startswith(b"%PDF-")


def test_very_many_issues_and_columns_are_cut_and_counted(outcome: ValidationOutcome) -> None:
    profile = outcome.profiles[0]
    many = replace(outcome, profiles=tuple(replace(profile, column=f"c{n}") for n in range(500)))
    [first, *_] = issues(outcome, details=True)
    report = _report(outcome, issues=[first] * 1000)
    text = "".join(_read(to_html(report, many)).text)
    assert "and 700 more" in text
    assert "380 more columns" in text
    assert len(to_pdf(report, many)) < 2_000_000


def test_the_pdf_has_its_fonts_inside_and_the_id_in_its_title(outcome: ValidationOutcome) -> None:
    data = to_pdf(_report(outcome), outcome)
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert data.count(b"/Type /Page\n") >= 2
    assert b"FiraGO" in data
    assert data == to_pdf(_report(outcome), outcome), "the same report gives the same file"


@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), number=st.floats() | st.integers() | st.none())
def test_no_text_breaks_out_of_either_form(text: str, number: Any, outcome: ValidationOutcome) -> None:
    profile = ColumnProfile(
        table=text,
        column=text,
        kind="text",
        source={"rows": 1, "nulls": 0, "min": text, "max": number, "histogram": [[text, 1]]},
        target={"rows": 1, "nulls": 0, "min": text, "max": None, "histogram": []},
    )
    issue = {
        "code": "E4002",
        "severity": "error",
        "message": text,
        "schema": text,
        "table": text,
        "column": None,
        "expected": number,
        "actual": text,
        "affected_records": None,
        "classification": text,
        "details": {text: [text, number]},
    }
    report = _report(outcome, issues=[issue])
    shown = replace(outcome, profiles=(profile,))
    _read(to_html(report, shown))
    assert to_pdf(report, shown).startswith(b"%PDF-")


def test_a_report_can_be_written_to_a_file(outcome: ValidationOutcome, tmp_path: Path) -> None:
    page = to_html(_report(outcome), outcome)
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page
