"""Choose PostgreSQL types for SQLite columns, from the declared type and from what the column holds."""

from __future__ import annotations

from dataclasses import replace

from sensei.server.engine.catalog import Column
from sensei.server.engine.kinds import Kind, parse_type, sqlite_kind
from sensei.server.engine.plan import Risk
from sensei.server.engine.planning.choice import Choice
from sensei.server.engine.planning.profile import ColumnProfile
from sensei.server.engine.wording import counted

_SMALL, _MEDIUM = 2**15 - 1, 2**31 - 1
_EXACT_IN_FLOAT = 2**53
_LONGEST_VARCHAR = 10_485_760
_LARGEST_PRECISION = 1_000
_SHORT_NAMES = {
    **dict.fromkeys(("tinyint", "smallint", "int2"), _SMALL),
    **dict.fromkeys(("mediumint", "int", "int4"), _MEDIUM),
}


def choose(column: Column, profile: ColumnProfile, place: str, *, keyed: bool) -> Choice:
    """The type for a column.

    Args:
        column: The SQLite column.
        profile: What it holds.
        place: What to call it in risks.
        keyed: Whether it takes part in a key or an index, so that its values must be comparable.
    """
    choice = _choose(column, profile, place, keyed=keyed)
    if profile.with_nul and choice.type != "BYTEA":
        choice = choice.doubt(
            0.75,
            "nul_in_text",
            Risk(
                severity="high",
                type="data_loss",
                description=f"{counted(profile.with_nul, 'text of', 'texts of')} {place} with a NUL character, "
                "which PostgreSQL cannot store; their rows are left out and recorded as errors",
                affected=(place,),
                mitigation="Remove the NUL characters at the source, or map the column to BYTEA.",
            ),
        )
        doubt = f"{counted(profile.with_nul, 'text holds', 'texts hold')} a NUL character"
        choice = _lossy(choice, f"{choice.reasoning}; {doubt}")
    if column.collation in {"NOCASE", "RTRIM"}:
        choice = choice.doubt(
            0.9,
            f"collation_{column.collation.lower()}",
            Risk(
                severity="medium",
                type="semantic_ambiguity",
                description=f"{place} compares with SQLite's {column.collation}; PostgreSQL will compare exactly",
                affected=(place,),
                mitigation="Use lower(…) in queries, or an ICU collation, where case must not matter.",
            ),
        )
    return choice


def _lossy(choice: Choice, reasoning: str) -> Choice:
    return replace(choice, reasoning=reasoning, compatible=False, loss=True)


def _choose(column: Column, profile: ColumnProfile, place: str, *, keyed: bool) -> Choice:
    kind = sqlite_kind(column.type)
    if not profile.classes:
        return _empty(column, kind)
    if "blob" in profile.classes and len(profile.classes) > 1:
        return (
            Choice(
                "BYTEA",
                0.6,
                f"{_counts(profile)}: only BYTEA holds them all, texts as their UTF-8 bytes",
                "type_conversion",
                flags=("mixed_types",),
                risks=(_mixed(profile, place, "BYTEA"),),
            )
            if profile.only("blob", "text")
            else Choice(
                "TEXT",
                0.4,
                f"{_counts(profile)}: no PostgreSQL type holds them all; rows with binary values are left out",
                "type_conversion",
                compatible=False,
                loss=True,
                flags=("mixed_types",),
                risks=(
                    _mixed(profile, place, "TEXT"),
                    Risk(
                        severity="high",
                        type="data_loss",
                        description=f"{profile.classes['blob']} binary values of {place} do not fit TEXT; "
                        "their rows are left out and recorded as errors",
                        affected=(place,),
                    ),
                ),
            )
        )
    if profile.only("blob"):
        sure = kind in {Kind.BINARY, None}
        return Choice(
            "BYTEA", 0.99 if sure else 0.85, f"every value is binary; declared {column.type or 'without type'}"
        )
    if profile.facts.get("number") == 0:
        return Choice("DOUBLE PRECISION", 0.96, "SQLite's REAL is the same 64-bit number; the text 'NaN' becomes NaN")
    if "text" in profile.classes and len(profile.classes) > 1:
        return Choice(
            "TEXT",
            0.7,
            f"{_counts(profile)}: TEXT holds them all, numbers in their exact decimal form",
            "type_conversion",
            flags=("mixed_types",),
            risks=(_mixed(profile, place, "TEXT"),),
        )
    if profile.only("text"):
        return _text(column, kind, profile, place, keyed=keyed)
    return _numbers(column, kind, profile, place)


def _counts(profile: ColumnProfile) -> str:
    return ", ".join(f"{number} {class_}" for class_, number in profile.classes.items())


def _mixed(profile: ColumnProfile, place: str, type_: str) -> Risk:
    return Risk(
        severity="medium",
        type="semantic_ambiguity",
        description=f"{place} mixes storage classes ({_counts(profile)}); as {type_} they can no longer be told apart",
        affected=(place,),
        mitigation="Clean the column at the source, or write a transformation.",
    )


def _empty(column: Column, kind: Kind | None) -> Choice:
    why = f"no values yet; declared {column.type or 'without type'}"
    arguments = parse_type(column.type).arguments
    match kind:
        case Kind.INTEGER:
            short = parse_type(column.type).base
            return Choice({"smallint": "SMALLINT", "int": "INTEGER"}.get(short, "BIGINT"), 0.97, why)
        case Kind.DECIMAL:
            return Choice(_numeric(arguments), 0.95, why)
        case Kind.TEXT:
            return Choice(_varchar(arguments, 0), 0.97, why)
        case _:
            types = {
                Kind.BOOLEAN: "BOOLEAN",
                Kind.FLOAT: "DOUBLE PRECISION",
                Kind.BINARY: "BYTEA",
                Kind.DATE: "DATE",
                Kind.TIME: "TIME",
                Kind.TIMESTAMP: "TIMESTAMP",
                Kind.TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE",
                Kind.UUID: "UUID",
            }
            known = types.get(kind) if kind else None
            return Choice(known or "TEXT", 0.95 if known else 0.85, why, "identity" if known else "type_conversion")


def _numeric(arguments: tuple[int, ...]) -> str:
    if not arguments or not 1 <= arguments[0] <= _LARGEST_PRECISION:
        return "NUMERIC"
    return f"NUMERIC({arguments[0]}, {arguments[1] if len(arguments) > 1 else 0})"


def _varchar(arguments: tuple[int, ...], longest: int) -> str:
    if arguments and max(longest, 1) <= arguments[0] <= _LONGEST_VARCHAR:
        return f"VARCHAR({arguments[0]})"
    return "TEXT"


def _text(column: Column, kind: Kind | None, profile: ColumnProfile, place: str, *, keyed: bool) -> Choice:
    facts = profile.facts
    passes = {test for test, failures in facts.items() if failures == 0}
    match kind:
        case Kind.DATE | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            return _moments(column, kind, passes, place)
        case Kind.TIME if "time" in passes:
            return Choice("TIME", 0.97, "every value is a valid time of day", "type_conversion")
        case Kind.UUID if "uuid" in passes:
            return Choice("UUID", 0.97, "every value is a UUID in lower case", "type_conversion")
        case Kind.JSON if "json" in passes and not keyed and not profile.with_nul:
            return Choice("JSON", 0.95, "every value is valid JSON; JSON keeps its text as it is", "type_conversion")
        case Kind.TEXT:
            arguments = parse_type(column.type).arguments
            chosen = _varchar(arguments, profile.longest)
            if chosen == "TEXT" and arguments:
                return Choice(
                    "TEXT",
                    0.9,
                    f"declared {column.type}, but the longest value has {profile.longest} characters",
                    "type_widening",
                    flags=("longer_than_declared",),
                )
            return Choice(chosen, 0.99, f"texts of at most {profile.longest} characters", "encoding_normalize")
        case None:
            return Choice("TEXT", 0.95 if not column.type else 0.9, "every value is text", "encoding_normalize")
        case _:
            return Choice(
                "TEXT",
                0.75,
                f"declared {column.type}, but the values are texts that are not all of that kind",
                "type_conversion",
                flags=("not_as_declared",),
                risks=(
                    Risk(
                        severity="medium",
                        type="semantic_ambiguity",
                        description=f"{place} is declared {column.type} but holds other texts; it stays TEXT",
                        affected=(place,),
                    ),
                ),
            )


def _moments(column: Column, kind: Kind, passes: set[str], place: str) -> Choice:
    if "date" in passes:
        return Choice(
            "DATE", 0.97 if kind is Kind.DATE else 0.85, "every value is a valid date without a time", "type_conversion"
        )
    if "naive" in passes:
        return Choice(
            "TIMESTAMP",
            0.97 if kind is Kind.TIMESTAMP else 0.85,
            "every value is a valid date and time without a zone",
            "type_conversion",
        )
    if "zoned" in passes:
        choice = Choice(
            "TIMESTAMP WITH TIME ZONE",
            0.97 if kind is Kind.TIMESTAMPTZ else 0.9,
            "every value is a valid date and time with its offset, so the instant is certain",
            "type_conversion",
        )
        if "utc" in passes:
            return choice
        return choice.doubt(
            1.0,
            "offset_normalised",
            Risk(
                severity="low",
                type="semantic_ambiguity",
                description=f"{place} keeps its instants, but PostgreSQL drops the offset they were written with",
                affected=(place,),
                mitigation="Map the column to TEXT if the offsets themselves matter.",
            ),
        )
    return Choice(
        "TEXT",
        0.75,
        f"declared {column.type}, but the values are not all valid moments of one form",
        "type_conversion",
        flags=("not_as_declared",),
        risks=(
            Risk(
                severity="medium",
                type="semantic_ambiguity",
                description=f"{place} is declared {column.type} but mixes forms of dates and times; it stays TEXT",
                affected=(place,),
                mitigation="Bring the values to one form at the source, then plan again.",
            ),
        ),
    )


def _numbers(column: Column, kind: Kind | None, profile: ColumnProfile, place: str) -> Choice:
    infinite = any(abs(value) == float("inf") for value in (profile.least, profile.greatest))
    if kind is Kind.DECIMAL and not infinite:
        return _decimal(column, profile, place)
    if profile.only("integer"):
        return _integers(column, kind, profile, place)
    large = max(abs(profile.least), abs(profile.greatest)) > _EXACT_IN_FLOAT
    if "integer" in profile.classes and large and not infinite:
        return Choice(
            "NUMERIC",
            0.85,
            f"{_counts(profile)}, some beyond what a float holds exactly",
            "type_conversion",
            flags=("mixed_types",),
        )
    if kind is Kind.FLOAT or (kind is None and profile.only("real")):
        return Choice("DOUBLE PRECISION", 0.99, "SQLite's REAL is the same 64-bit number")
    return Choice(
        "DOUBLE PRECISION",
        0.85,
        f"declared {column.type or 'without type'}, holds {_counts(profile)}",
        "type_conversion",
        flags=("not_as_declared",),
    )


def _decimal(column: Column, profile: ColumnProfile, place: str) -> Choice:
    arguments = parse_type(column.type).arguments
    risks: tuple[Risk, ...] = ()
    if "real" in profile.classes:
        risks = (
            Risk(
                severity="low",
                type="semantic_ambiguity",
                description=f"SQLite already stores {place} as binary floating point; "
                "each value is carried as the shortest decimal that stands for it",
                affected=(place,),
            ),
        )
    if profile.facts.get("fits"):
        return Choice(
            "NUMERIC",
            0.85,
            f"declared {column.type}, but {counted(int(profile.facts['fits']), 'value needs', 'values need')} more "
            "digits; NUMERIC keeps them all",
            "type_widening",
            flags=("wider_than_declared",),
            risks=risks,
        )
    return Choice(_numeric(arguments), 0.97, "every value fits the declared digits", "identity", risks=risks)


def _integers(column: Column, kind: Kind | None, profile: ColumnProfile, place: str) -> Choice:
    least, greatest = profile.least, profile.greatest
    range_ = f"integers from {least} to {greatest}"
    match kind:
        case Kind.BOOLEAN if least >= 0 and greatest <= 1:
            return Choice("BOOLEAN", 0.97, "every value is 0 or 1", "type_conversion")
        case Kind.INTEGER:
            limit = _SHORT_NAMES.get(column.type.split("(", maxsplit=1)[0].strip().lower())
            if limit is not None and -limit - 1 <= least and greatest <= limit:
                return Choice("SMALLINT" if limit == _SMALL else "INTEGER", 0.99, f"{range_}, as declared")
            why = "as wide as SQLite's own integers" if limit is None else f"declared {column.type}, but wider"
            return Choice("BIGINT", 0.99 if limit is None else 0.9, f"{range_}; {why}")
        case Kind.FLOAT:
            exact = max(abs(least), abs(greatest)) <= _EXACT_IN_FLOAT
            return (
                Choice("DOUBLE PRECISION", 0.97, f"{range_}, exact as floats")
                if exact
                else Choice("NUMERIC", 0.85, f"{range_}, beyond what a float holds exactly", "type_conversion")
            )
        case None:
            return Choice("BIGINT", 0.95 if not column.type else 0.9, range_)
        case _:
            return Choice(
                "BIGINT",
                0.75,
                f"declared {column.type}, but holds {range_}",
                "type_conversion",
                flags=("not_as_declared",),
                risks=(
                    Risk(
                        severity="medium",
                        type="semantic_ambiguity",
                        description=f"{place} is declared {column.type} but holds {range_}; it becomes BIGINT",
                        affected=(place,),
                        mitigation="Write a transformation if the numbers stand for something else, e.g. Unix times.",
                    ),
                ),
            )
