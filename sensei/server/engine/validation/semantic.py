"""Do the values make sense? Built-in rules compare what both sides say, custom rules ask the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sensei.server.engine.errors import EngineError
from sensei.server.engine.validation import rules
from sensei.server.engine.validation.context import Context
from sensei.server.engine.validation.kinds import Kind
from sensei.server.engine.validation.pairs import ColumnPair, TablePair, bytewise
from sensei.server.engine.validation.readable import attempt, readable
from sensei.server.engine.validation.scoring import Findings
from sensei.server.engine.validation.structural import find_table, target_catalog
from sensei.server.engine.validation.types import PerspectiveResult, RuleResult
from sensei.server.engine.wording import counted

_LOOKUP_VALUES = 50
_ROWS_TRIED = 2_000
_COLUMNS_AT_A_TIME = 50


@dataclass(frozen=True, slots=True)
class _Count:
    """Rows that must be as many on both sides."""

    what: str
    column: ColumnPair
    source: str
    target: str


def check(context: Context) -> tuple[PerspectiveResult, tuple[RuleResult, ...]]:
    """Apply all rules; gives the result and the outcome of each custom rule."""
    findings = Findings("semantic")
    pairs = list(readable(context, findings))
    for number, pair in enumerate(pairs):
        context.tell(f"weighing the values of {pair.label}", 0.8 * number / len(pairs))
        context.go_on()
        if pair.comparable:
            _compare_values(context, pair, findings)
    _check_target(context, pairs, findings)
    context.tell("applying the custom rules", 0.9)
    outcomes = tuple(_apply_rules(context, findings))
    violations = sum(issue.severity != "info" for issue in findings.issues)
    return findings.result({"rules_evaluated": findings.checks, "violations": violations}), outcomes


def _compare_values(context: Context, pair: TablePair, findings: Findings) -> None:
    with attempt(context, findings, pair, f"the values of {pair.label}"):
        _compare_counts(context, pair, findings)
    choices: list[ColumnPair] = []
    with attempt(context, findings, pair, f"the choices of {pair.label}"):
        choices = _choices(context, pair)
    for column in choices:
        context.go_on()
        with attempt(context, findings, pair, f"the values of {pair.label}.{column.source.name}"):
            _compare_lookup_values(context, pair, column, findings)


def _choices(context: Context, pair: TablePair) -> list[ColumnPair]:
    """Columns of text with few different values, as far as the first rows tell; asked for many columns at once."""
    columns = [c for c in pair.columns if c.kind in (Kind.TEXT, Kind.CHAR) and not c.is_respelled]
    found: list[ColumnPair] = []
    for start in range(0, len(columns), _COLUMNS_AT_A_TIME):
        part = columns[start : start + _COLUMNS_AT_A_TIME]
        values = ", ".join(f"{column.source_raw} AS v{number}" for number, column in enumerate(part))
        counts = ", ".join(f"count(DISTINCT v{number})" for number in range(len(part)))
        [[row]] = context.source.stream(
            f"SELECT {counts} FROM (SELECT {values} FROM {pair.source_name} LIMIT {_ROWS_TRIED}) AS first_rows"
        )
        found += [column for column, count in zip(part, row, strict=True) if 0 < count <= _LOOKUP_VALUES]
    return found


def _counts(pair: TablePair, context: Context) -> Iterator[_Count]:
    for column in pair.columns:
        values = [
            _number(connector.system, value) if column.kind.is_number else value
            for connector, value in ((context.source, column.source_value), (context.target, column.target_value))
        ]
        if column.kind.is_number and _can_be_weighed(column, context):
            yield _Count("are negative", column, *(f"{value} < 0" for value in values))
            yield _Count("are zero", column, *(f"{value} = 0" for value in values))
        elif column.kind in (Kind.TEXT, Kind.CHAR):
            systems = (context.source.system, context.target.system)
            blank = [_is_blank(system, value) for system, value in zip(systems, values, strict=True)]
            yield _Count("are empty or blank", column, *blank)


def _can_be_weighed(column: ColumnPair, context: Context) -> bool:
    # Of numbers that are kept as texts, only SQLite is told how to make numbers again.
    sides = ((context.source, column.source_is_number), (context.target, column.target_is_number))
    return all(is_number or connector.system == "sqlite" for connector, is_number in sides)


def _is_blank(system: str, value: str) -> str:
    trimmed = f"trim({value})"
    # To SQLite a text that begins with a NUL character has no length.
    return f"length({f'CAST({trimmed} AS BLOB)' if system == 'sqlite' else trimmed}) = 0"


def _number(system: str, value: str) -> str:
    """The value as a number; what is none, NaN included, is neither negative nor zero."""
    if system != "sqlite":
        return value
    # Numbers that SQLite keeps as text would be compared as text.
    return (
        f"CASE WHEN typeof({value}) IN ('integer', 'real') THEN {value} WHEN {value} LIKE '-inf%' THEN -1 "
        f"WHEN {value} GLOB '*[0-9]*' THEN CAST({value} AS REAL) END"
    )


def _compare_counts(context: Context, pair: TablePair, findings: Findings) -> None:
    counts = list(_counts(pair, context))
    if not counts:
        return
    answers = [
        _count_all(context, pair, side, [count.source if side == "source" else count.target for count in counts])
        for side in ("source", "target")
    ]
    for count, source, target in zip(counts, *answers, strict=True):
        if source == target:
            findings.passed()
        else:
            findings.found(
                "E4008",
                f"{target:,} values of {pair.label}.{count.column.source.name} {count.what}, on the source {source:,}",
                table=pair.target,
                column=count.column.target.name,
                expected=source,
                actual=target,
                affected_records=abs(source - target),
            )


def _count_all(context: Context, pair: TablePair, side: str, conditions: list[str]) -> list[int]:
    columns = ", ".join(f"coalesce(sum(CASE WHEN {condition} THEN 1 ELSE 0 END), 0)" for condition in conditions)
    query = f"SELECT {columns} FROM {context.table_name(pair, side)}"
    return [int(value) for rows in context.side(side).stream(query) for row in rows for value in row]


def _compare_lookup_values(context: Context, pair: TablePair, column: ColumnPair, findings: Findings) -> None:
    """A column with few different values is a choice among them, and the choices must be the same."""
    chosen = [_frequencies(context, pair, column, side) for side in ("source", "target")]
    if len(chosen[0]) > _LOOKUP_VALUES:
        return
    if chosen[0] == chosen[1]:
        findings.passed()
        return
    differing = sorted(
        str(value) for value in chosen[0].keys() | chosen[1].keys() if chosen[0].get(value) != chosen[1].get(value)
    )
    findings.found(
        "E4008",
        f"the values that {pair.label}.{column.source.name} chooses among, or how often, are not as on the source",
        table=pair.target,
        column=column.target.name,
        expected=len(chosen[0]),
        actual=len(chosen[1]),
        details={"values": [value[:200] for value in differing[:_LOOKUP_VALUES]]},
    )


def _frequencies(context: Context, pair: TablePair, column: ColumnPair, side: str) -> dict[object, int]:
    connector = context.side(side)
    value = column.source_raw if side == "source" else column.target_raw
    group = bytewise(connector.system, column.kind, value)
    query = (
        f"SELECT min({group}), count(*) FROM {context.table_name(pair, side)} "
        f"WHERE {value} IS NOT NULL GROUP BY {group} LIMIT {_LOOKUP_VALUES + 1}"
    )
    found: dict[object, int] = {}
    for rows in connector.stream(query):
        for choice, count in rows:
            normal = column.normalize(choice)
            found[normal] = found.get(normal, 0) + int(count)
    return found


def _check_target(context: Context, pairs: list[TablePair], findings: Findings) -> None:
    """Uniqueness and conditions that the plan promises, where the target does not enforce them (yet)."""
    actual = target_catalog(context)
    for pair in pairs:
        context.go_on()
        table = find_table(actual, pair.target)
        enforced: set[frozenset[str]] = set()
        if table is not None:
            enforced = {frozenset(u.columns) for u in table.unique_constraints} | {frozenset(table.primary_key)}
            enforced |= {frozenset(i.columns) for i in table.indexes if i.unique and not i.where and not i.expression}
        promised = {pair.target.primary_key, *(u.columns for u in pair.target.unique_constraints)}
        for columns in sorted(promised - {()}):
            if frozenset(columns) in enforced:
                findings.passed()
            else:
                with attempt(context, findings, pair, f"whether {', '.join(columns)} of {pair.label} is unique"):
                    _check_unique(context, pair, columns, findings)
        for condition in pair.target.check_constraints:
            _check_condition(context, pair, condition.expression, findings)


def _check_unique(context: Context, pair: TablePair, columns: tuple[str, ...], findings: Findings) -> None:
    names = [context.target.quote(name) for name in columns]
    present = " AND ".join(f"{name} IS NOT NULL" for name in names)
    repeated = context.target.scalar(
        f"SELECT count(*) FROM (SELECT 1 AS one FROM {pair.target_name} WHERE {present} "
        f"GROUP BY {', '.join(names)} HAVING count(*) > 1) AS repeated"
    )
    if not repeated:
        findings.passed()
        return
    findings.found(
        "E4006",
        f"{counted(int(repeated), 'value', 'values')} found more than once in "
        f"{pair.target.qualified_name} ({', '.join(columns)})",
        table=pair.target,
        column=columns[0] if len(columns) == 1 else None,
        expected=0,
        actual=int(repeated),
        affected_records=int(repeated),
    )


def _check_condition(context: Context, pair: TablePair, expression: str, findings: Findings) -> None:
    try:
        broken = int(context.target.scalar(f"SELECT count(*) FROM {pair.target_name} WHERE NOT ({expression})") or 0)
    except EngineError as error:
        context.renew("target")
        findings.found(
            "E4007",
            f"a condition of {pair.target.qualified_name} could not be tried: {error.message}",
            severity="info",
            table=pair.target,
            expected=expression,
            classification=None,
        )
        return
    if not broken:
        findings.passed()
        return
    findings.found(
        "E4007",
        f"{counted(broken, 'row breaks', 'rows break')} a condition of {pair.target.qualified_name}: "
        f"{expression[:200]}",
        table=pair.target,
        expected=expression,
        actual=broken,
        affected_records=broken,
    )


def _apply_rules(context: Context, findings: Findings) -> Iterator[RuleResult]:
    for rule in context.validation.rules:
        context.go_on()
        actual: object = None
        failure: rules.RuleError | None = None
        try:
            actual = rules.read_value(context.target, rule.sql, go_on=context.go_on)
            passed = rules.holds(rule.expected, actual)
        except rules.RuleError as error:
            failure, passed = error, False
        if passed:
            findings.passed()
        else:
            findings.found(
                failure.reason_code if failure else "E4008",
                f"the rule {rule.name!r} " + (f"could not be applied: {failure.message}" if failure else "is broken"),
                severity=rule.severity,
                rule_id=rule.id,
                expected=rule.expected,
                actual=actual,
                classification=None,
            )
        yield RuleResult(
            rule_id=rule.id,
            name=rule.name,
            passed=passed,
            severity=rule.severity,
            expected=rule.expected,
            actual=actual,
        )
