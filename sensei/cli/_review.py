"""Turn a plan into what a person reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensei.cli._presenter import MappingRow, Review, RiskRow

if TYPE_CHECKING:
    from sensei import Mapping, MigrationPlan

_SEVERITIES = ("critical", "high", "medium", "low")


def review_of(plan: MigrationPlan) -> Review:
    """Give the review of a plan: the least certain mappings first, the worst risks first."""
    ordered = sorted(plan.mappings, key=lambda mapping: (mapping.confidence, str(mapping.source)))
    risks = [
        RiskRow(
            risk.severity,
            risk.description,
            risk.mitigation or "",
            blocks=risk.type == "target_not_empty" and risk.severity == "critical",
            affected=risk.affected,
        )
        for risk in plan.risks
    ]
    return Review(
        undecided=sum(mapping.status == "pending_review" for mapping in plan.mappings),
        mappings=[row_of(mapping) for mapping in ordered],
        risks=sorted(risks, key=lambda risk: _rank(risk.severity)),
    )


def row_of(mapping: Mapping) -> MappingRow:
    """A mapping as it is shown; the name of the target is left out where it is that of the source."""
    source, target = mapping.source, mapping.target
    renamed = (
        "" if (source.table, source.column) == (target.table, target.column) else f"{target.table}.{target.column} "
    )
    return MappingRow(
        source=f"{source.table}.{source.column}",
        becomes=f"{source.type or '?'} -> {renamed}{target.type or '?'}",
        confidence=mapping.confidence,
        status=_standing(mapping),
        remark=mapping.reasoning or "",
    )


def _standing(mapping: Mapping) -> str:
    if mapping.status != "pending_review":
        return mapping.status
    return "needs a decision" if mapping.requires_approval else "in review"


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
