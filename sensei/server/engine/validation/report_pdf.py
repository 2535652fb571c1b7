"""The report as a PDF. Letters of most scripts are embedded; what the font lacks is shown by its code point."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from sensei.server.engine.validation import report_words as words
from sensei.server.engine.validation.types import ColumnProfile, ValidationOutcome

_FONT = "FiraGO"
_STYLES = {"": "figo", "B": "figbo"}
_INK, _SOFT, _LINE = (22, 32, 44), (90, 104, 120), (221, 227, 234)
_SOURCE, _TARGET = (53, 102, 200), (18, 160, 124)
_TONES = {"good": (18, 128, 92), "fair": (154, 103, 0), "bad": (194, 41, 61), "unknown": (75, 93, 115)}
_LEFT, _WIDTH = 18.0, 174.0
_PROFILES, _ISSUES = 60, 120
_DETAIL_CHARACTERS = 1_200


def document(report: Mapping[str, Any], outcome: ValidationOutcome | None) -> bytes:
    """The whole document."""
    with _fonts() as fonts:
        pdf = _Report(fonts, report)
        pdf.cover(report)
        pdf.perspectives(words.member(report["validation"], "results"), outcome)
        pdf.issues(words.members(report, "issues"))
        pdf.rules(words.members(report, "rules"))
        pdf.distributions(outcome)
        pdf.evidence(report, outcome)
        return bytes(pdf.output())


@contextmanager
def _fonts() -> Generator[dict[str, Path]]:
    """The fonts as files, which is how they are read."""
    with tempfile.TemporaryDirectory(prefix="sensei-fonts-") as folder:
        # The fonts come as a package without types.
        font: Callable[[str], bytes] = import_module("pymupdf_fonts").myfont
        files: dict[str, Path] = {}
        for style, name in _STYLES.items():
            files[style] = Path(folder) / f"{name}.ttf"
            files[style].write_bytes(font(name))
        yield files


class _Report(FPDF):
    """Writes the parts of the report one below the other."""

    def __init__(self, fonts: Mapping[str, Path], report: Mapping[str, Any]) -> None:
        super().__init__(format="A4")
        for style, path in fonts.items():
            self.add_font(_FONT, style, path)
        font = self.fonts[_FONT.lower()]
        self._letters = frozenset(font.cmap) if isinstance(font, TTFFont) else frozenset[int]()
        self._id = str(report["validation"]["id"])
        self.set_creation_date(_moment(report["generated_at"]))
        self.set_title(f"Validation {self._id}: {words.verdict(report).word}")
        self.set_producer("Sensei")
        self.set_lang("en")
        self.c_margin = 0
        self.set_margins(_LEFT, 16, _LEFT)
        self.set_auto_page_break(auto=True, margin=18)
        self.add_page()

    def footer(self) -> None:
        """Written at the end of each page."""
        self.set_y(-13)
        self._pen(7.5, colour=_SOFT)
        self.cell(_WIDTH / 2, 5, self._clean(f"Validation {self._id}"))
        self.cell(_WIDTH / 2, 5, f"page {self.page_no()}", align="R")

    def cover(self, report: Mapping[str, Any]) -> None:
        """Title and verdict."""
        validation, migration = report["validation"], words.member(report, "migration")
        verdict = words.verdict(report)
        self._line("SENSEI · VALIDATION REPORT", 8, colour=_SOFT)
        self._paragraph(str(migration.get("name") or validation["migration_id"]), 20, bold=True)
        ends = words.ends(report)
        if ends:
            self._paragraph(ends, 10)
        self._paragraph(
            f"{validation.get('type') or ''} validation {validation['id']} of migration {validation['migration_id']}, "
            f"{validation.get('completed_at') or report['generated_at']}",
            8.5,
            colour=_SOFT,
        )
        self.ln(4)
        top, colour = self.get_y(), _TONES[verdict.tone]
        self.set_x(_LEFT + 6)
        self._paragraph(verdict.word, 22, bold=True, colour=colour, indent=6)
        self._paragraph(verdict.sentence, 11, indent=6)
        score = validation.get("confidence_score")
        if score is not None:
            self._paragraph(f"Confidence {words.confidence(score)}", 11, bold=True, indent=6)
        self.set_fill_color(*colour)
        self.rect(_LEFT, top, 2, self.get_y() - top, style="F")
        self.ln(2)

    def perspectives(self, results: Mapping[str, Mapping[str, Any]], outcome: ValidationOutcome | None) -> None:
        """Each perspective with its score and figures."""
        if not results:
            return
        self._heading("Five perspectives")
        for name, result in results.items():
            self._keep_together(20)
            title, question = words.PERSPECTIVES.get(name, (name, ""))
            colour = _TONES[words.tone(result["status"])]
            self._pen(11, bold=True)
            self.cell(_WIDTH / 2, 6, self._clean(title))
            self._pen(10, bold=True, colour=colour)
            status = words.STATUSES.get(result["status"], str(result["status"]))
            shown = f"{status}, {words.confidence(result.get('score'))}"
            self.cell(_WIDTH / 2, 6, self._clean(shown), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self._line(question, 8.5, colour=_SOFT)
            top = self.get_y() + 1
            self.set_fill_color(*_LINE)
            self.rect(_LEFT, top, _WIDTH, 1.6, style="F")
            self.set_fill_color(*colour)
            share = max(0.0, min(1.0, float(result.get("score") or 0)))
            if share:
                self.rect(_LEFT, top, _WIDTH * share, 1.6, style="F")
            self.set_y(top + 3)
            figures = "  ·  ".join(f"{number} {label}" for number, label in words.figures(name, result, outcome))
            self._paragraph(figures, 8.5)
            self.ln(3)

    def issues(self, issues: Sequence[Mapping[str, Any]]) -> None:
        """All issues, worst first, as far as a person would read."""
        self._heading("Issues, worst first")
        if not issues:
            self._line("None.", 10, colour=_SOFT)
        for issue in issues[:_ISSUES]:
            self._keep_together(16)
            colour = _TONES[words.tone(issue["severity"])]
            head = f"{issue['severity']}  {issue.get('code') or ''}  {words.place(issue)}"
            self._paragraph(head, 9.5, bold=True, colour=colour)
            self._paragraph(str(issue["message"]), 9.5)
            facts = [
                f"{label} {words.value(issue[key])}"
                for key, label in (("expected", "expected"), ("actual", "found"), ("affected_records", "records"))
                if issue.get(key) is not None
            ]
            if facts:
                self._paragraph("  ·  ".join(facts), 8.5, colour=_SOFT)
            if issue.get("details"):
                details = json.dumps(issue["details"], ensure_ascii=False, default=str)
                cut = "…" if len(details) > _DETAIL_CHARACTERS else ""
                self._paragraph(details[:_DETAIL_CHARACTERS] + cut, 7.5, colour=_SOFT)
            self.ln(2.5)
        if len(issues) > _ISSUES:
            self._line(f"and {len(issues) - _ISSUES:,} more; the JSON form of the report has all.", 9, colour=_SOFT)

    def rules(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """The outcome of each custom rule."""
        if not rules:
            return
        self._heading("Your rules")
        for rule in rules:
            self._keep_together(12)
            colour = _TONES["good" if rule["passed"] else words.tone(rule.get("severity") or "error")]
            self._paragraph(f"{'holds' if rule['passed'] else 'broken'}: {rule['name']}", 9.5, bold=True, colour=colour)
            expected, actual = words.value(rule.get("expected")), words.value(rule.get("actual"))
            self._paragraph(f"expected {expected}  ·  found {actual}", 8.5, colour=_SOFT)
            self.ln(1.5)

    def distributions(self, outcome: ValidationOutcome | None) -> None:
        """Pictures of columns, three in a row: the source upwards, the target downwards."""
        profiles = words.shown_profiles(outcome)[:_PROFILES]
        if not profiles or outcome is None:
            return
        self._heading("Distributions")
        self._line(
            "Source upwards, target downwards: a faithful copy is the mirror image of its source.", 8.5, colour=_SOFT
        )
        for table, group in groupby(profiles, key=lambda profile: profile.table):
            self._keep_together(56)
            self._paragraph(table, 11, bold=True)
            members = list(group)
            for begin in range(0, len(members), 3):
                self._row(members[begin : begin + 3])
        if len(outcome.profiles) > len(profiles):
            self._line(f"{len(outcome.profiles) - len(profiles):,} more columns are not shown.", 9, colour=_SOFT)

    def evidence(self, report: Mapping[str, Any], outcome: ValidationOutcome | None) -> None:
        """Digests, and the certificate that binds them."""
        certificate = report["validation"].get("certificate_id")
        if outcome is None or not (outcome.artifacts or certificate):
            return
        self._heading("Evidence")
        for artifact in outcome.artifacts:
            self._paragraph(f"{artifact.name.replace('_', ' ')}: {artifact.digest}", 8)
        if certificate:
            self._paragraph(f"Certificate {certificate}", 9, bold=True)

    def _row(self, profiles: Sequence[ColumnProfile]) -> None:
        self._keep_together(48)
        top, width = self.get_y(), _WIDTH / 3
        for position, profile in enumerate(profiles):
            self._profile(profile, _LEFT + position * width, top, width - 6)
        self.set_xy(_LEFT, top + 47)

    def _profile(self, profile: ColumnProfile, left: float, top: float, width: float) -> None:
        differs = profile.source != profile.target
        self._pen(8.5, bold=True, colour=_TONES["bad"] if differs else _INK)
        self._at(left, top, width, f"{profile.column} ({profile.kind})")
        half, middle = 11.0, top + 17
        sides = [(profile.source, _SOURCE, -1), (profile.target, _TARGET, 1)]
        most = max((count for side, _, _ in sides for _, count in words.bars(side)), default=0) or 1
        for side, colour, direction in sides:
            bars = words.bars(side)
            self.set_fill_color(*colour)
            step = width / max(1, len(bars))
            for index, (_, count) in enumerate(bars):
                height = half * count / most
                if height:
                    bottom = middle - height if direction < 0 else middle + 0.3
                    self.rect(left + index * step, bottom, step * 0.85, height, style="F")
        self._pen(6.5, colour=_SOFT)
        for line, (label, here, there, same) in enumerate(words.profile_figures(profile)):
            self.set_text_color(*(_SOFT if same else _TONES["bad"]))
            text = f"{label}: {here}" if same else f"{label}: {here} / {there}"
            self._at(left + (line % 2) * width / 2, top + 30 + 4 * (line // 2), width / 2, text)

    def _at(self, left: float, top: float, width: float, text: str) -> None:
        text = self._clean(text.replace("\n", " "))
        while text and self.get_string_width(text) > width:
            text = text[: max(0, len(text) * 9 // 10 - 1)] + "…" if len(text) > 3 else ""
        self.set_xy(left, top)
        self.cell(width, 4, text)

    def _heading(self, text: str) -> None:
        self._keep_together(30)
        self.ln(5)
        self._line(text, 14, bold=True)
        self.ln(1)

    def _line(self, text: str, size: float, *, bold: bool = False, colour: tuple[int, int, int] = _INK) -> None:
        self._paragraph(text, size, bold=bold, colour=colour)

    def _paragraph(
        self,
        text: str,
        size: float,
        *,
        bold: bool = False,
        colour: tuple[int, int, int] = _INK,
        indent: float = 0.0,
    ) -> None:
        if not text:
            return
        self._pen(size, bold=bold, colour=colour)
        self.set_x(_LEFT + indent)
        self.multi_cell(_WIDTH - indent, size * 0.52, self._clean(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _pen(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = _INK) -> None:
        self.set_font(_FONT, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _keep_together(self, height: float) -> None:
        if self.will_page_break(height):
            self.add_page()

    def _clean(self, text: str) -> str:
        """The text in letters that the font has."""
        return "".join(
            sign if ord(sign) in self._letters or sign == "\n" else f"[U+{ord(sign):04X}]"
            for sign in words.printable(text).replace("\t", " ")
        )


@cache
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
