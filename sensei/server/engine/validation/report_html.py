"""The report as one page of HTML. Everything that comes from databases and people is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from sensei.server.engine.validation import report_words as words
from sensei.server.engine.validation.report_pictures import axis, distribution, ring
from sensei.server.engine.validation.report_style import CSS
from sensei.server.engine.validation.types import ColumnProfile, ValidationOutcome


def page(report: Mapping[str, Any], outcome: ValidationOutcome | None) -> str:
    """The whole page."""
    validation = report["validation"]
    title = f"Validation {validation['id']}: {words.verdict(report).word}"
    body = "\n".join(
        part
        for part in (
            _header(report),
            _verdict(report),
            _perspectives(words.member(validation, "results"), outcome),
            _issues(words.members(report, "issues")),
            _rules(words.members(report, "rules")),
            _distributions(outcome),
            _evidence(outcome),
            _footer(report),
        )
        if part
    )
    whole = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
    return words.printable(whole)


def _text(value: object) -> str:
    return escape(str(value))


def _header(report: Mapping[str, Any]) -> str:
    validation, migration = report["validation"], words.member(report, "migration")
    ends = words.ends(report)
    return (
        '<header><div class="brand">Sensei · validation report</div>'
        f"<h1>{_text(migration.get('name') or validation['migration_id'])}</h1>"
        + (f"<p>{_text(ends)}</p>" if ends else "")
        + f'<p class="meta">{_text(validation.get("type") or "")} validation <code>{_text(validation["id"])}</code> '
        f"of migration <code>{_text(validation['migration_id'])}</code>, "
        f"{_text(validation.get('completed_at') or report['generated_at'])}</p></header>"
    )


def _verdict(report: Mapping[str, Any]) -> str:
    verdict = words.verdict(report)
    score = report["validation"].get("confidence_score")
    issues: Sequence[Mapping[str, Any]] = words.members(report, "issues")
    counts = [
        (severity, sum(issue["severity"] == severity for issue in issues))
        for severity in ("critical", "error", "warning", "info")
    ]
    chips = "".join(
        f'<span class="chip {words.tone(severity)}">{words.counted(severity, count)}</span>'
        for severity, count in counts
        if count
    )
    return (
        f'<section class="verdict {verdict.tone}">'
        + (ring(score, verdict.tone, words.confidence(score)) if score is not None else "")
        + f'<div><div class="word">{_text(verdict.word)}</div><p>{_text(verdict.sentence)}</p>'
        + (f'<div class="counts">{chips}</div>' if chips else "")
        + "</div></section>"
    )


def _perspectives(results: Mapping[str, Mapping[str, Any]], outcome: ValidationOutcome | None) -> str:
    if not results:
        return ""
    cards = "".join(_perspective(name, result, outcome) for name, result in results.items())
    return f'<section><h2>Five perspectives</h2><div class="cards">{cards}</div></section>'


def _perspective(name: str, result: Mapping[str, Any], outcome: ValidationOutcome | None) -> str:
    title, question = words.PERSPECTIVES.get(name, (name, ""))
    score = float(result.get("score") or 0)
    figures = "".join(
        f"<li><b>{_text(number)}</b> {_text(label)}</li>" for number, label in words.figures(name, result, outcome)
    )
    seconds = result.get("duration_seconds")
    return (
        f'<article class="card {words.tone(result["status"])}"><div class="head"><h3>{_text(title)}</h3>'
        f'<span class="chip">{_text(words.STATUSES.get(result["status"], result["status"]))}</span></div>'
        f'<p class="ask">{_text(question)}</p>'
        f'<div class="meter"><i style="width:{max(0.0, min(1.0, score)) * 100:.1f}%"></i></div>'
        f'<div class="score"><span>score {_text(words.confidence(score))}</span>'
        f"<span>{f'{seconds:,.2f} s' if isinstance(seconds, int | float) else ''}</span></div>"
        f'<ul class="figures">{figures}</ul></article>'
    )


def _issues(issues: Sequence[Mapping[str, Any]]) -> str:
    if not issues:
        return '<section><h2>Issues</h2><p class="soft">None.</p></section>'
    shown = "".join(_issue(issue) for issue in issues[: words.ISSUES_SHOWN])
    more = len(issues) - words.ISSUES_SHOWN
    rest = f'<p class="soft">and {more:,} more; the JSON form of the report has all.</p>' if more > 0 else ""
    return f"<section><h2>Issues, worst first</h2>{shown}{rest}</section>"


def _issue(issue: Mapping[str, Any]) -> str:
    place = words.place(issue)
    pairs = [
        (label, words.value(issue[key]))
        for key, label in (("expected", "expected"), ("actual", "found"), ("affected_records", "records"))
        if issue.get(key) is not None
    ]
    if issue.get("classification"):
        pairs.append(("taken for", str(issue["classification"]).replace("_", " ")))
    facts = "".join(f"<div><dt>{_text(label)}</dt><dd>{_text(value)}</dd></div>" for label, value in pairs)
    details = issue.get("details")
    shown = json.dumps(details, ensure_ascii=False, indent=2, default=str) if details else ""
    return (
        f'<article class="issue {words.tone(issue["severity"])}"><div class="head">'
        f'<span class="chip">{_text(issue["severity"])}</span><code>{_text(issue.get("code") or "")}</code>'
        f"<strong>{_text(place)}</strong></div><p>{_text(issue['message'])}</p>"
        + (f"<dl>{facts}</dl>" if facts else "")
        + (f"<details><summary>details</summary><pre>{_text(shown)}</pre></details>" if shown else "")
        + "</article>"
    )


def _rules(rules: Sequence[Mapping[str, Any]]) -> str:
    if not rules:
        return ""
    rows = "".join(
        f'<tr class="{"" if rule["passed"] else "differs"}"><td>{_text(rule["name"])}</td>'
        f"<td>{'holds' if rule['passed'] else 'broken'}</td><td>{_text(rule.get('severity') or '')}</td>"
        f"<td>{_text(words.value(rule.get('expected')))}</td><td>{_text(words.value(rule.get('actual')))}</td></tr>"
        for rule in rules
    )
    return (
        '<section><h2>Your rules</h2><div class="card scroll"><table><thead><tr><th>rule</th><th>outcome</th>'
        f"<th>severity</th><th>expected</th><th>found</th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _distributions(outcome: ValidationOutcome | None) -> str:
    profiles = words.shown_profiles(outcome)
    if outcome is None or not profiles:
        return ""
    tables = "".join(_table(table, group) for table, group in groupby(profiles, key=lambda profile: profile.table))
    left = len(outcome.profiles) - len(profiles)
    rest = f'<p class="soft">{left:,} more columns agree and are not shown.</p>' if left else ""
    return (
        '<section><h2>Distributions</h2><p class="legend"><span><i style="background:var(--source)"></i>source, upwards'
        '</span><span><i style="background:var(--target)"></i>target, downwards</span>'
        f"<span>A faithful copy is the mirror image of its source.</span></p>{tables}{rest}</section>"
    )


def _table(name: str, profiles: Iterable[ColumnProfile]) -> str:
    return f'<h3 class="table">{_text(name)}</h3><div class="cards">{"".join(map(_profile, profiles))}</div>'


def _profile(profile: ColumnProfile) -> str:
    figures = list(words.profile_figures(profile))
    differs = profile.source != profile.target
    rows = "".join(
        f'<tr class="{"" if same else "differs"}"><th>{_text(label)}</th><td class="n">{_text(here)}</td>'
        f'<td class="n">{_text(there)}</td></tr>'
        for label, here, there, same in figures
    )
    first, last = axis(profile)
    return (
        f'<article class="card{" differs" if differs else ""}"><div class="head"><h3>{_text(profile.column)}</h3>'
        f'<span class="soft">{_text(profile.kind)}</span></div>{distribution(profile)}'
        f'<div class="axis"><span>{_text(first)}</span><span>{_text(last)}</span></div>'
        '<table><thead><tr><th></th><th class="n">source</th><th class="n">target</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></article>"
    )


def _evidence(outcome: ValidationOutcome | None) -> str:
    if outcome is None or not outcome.artifacts:
        return ""
    rows = "".join(
        f"<tr><td>{_text(artifact.name.replace('_', ' '))}</td><td><code>{_text(artifact.digest)}</code></td></tr>"
        for artifact in outcome.artifacts
    )
    return (
        '<section><h2>Evidence</h2><p class="soft">Digests of what was looked at; a certificate binds them.</p>'
        f'<div class="card scroll"><table><tbody>{rows}</tbody></table></div></section>'
    )


def _footer(report: Mapping[str, Any]) -> str:
    certificate = report["validation"].get("certificate_id")
    lines: Iterator[str] = iter(
        (
            f"Certificate <code>{_text(certificate)}</code>. " if certificate else "",
            f"Generated {_text(report['generated_at'])}. ",
            "Scores are shares of checks that passed; a failed perspective gives at most half.",
        )
    )
    return f"<footer>{''.join(lines)}</footer>"
