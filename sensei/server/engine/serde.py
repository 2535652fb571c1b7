"""Plans and catalogs as JSON data, for the caller to store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import TypeAdapter

from sensei.server.engine.catalog import Catalog
from sensei.server.engine.plan import Plan

_PLAN = TypeAdapter(Plan)
_CATALOG = TypeAdapter(Catalog)


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON data."""
    return cast("dict[str, Any]", _PLAN.dump_python(plan, mode="json"))


def plan_from_json(data: Mapping[str, Any]) -> Plan:
    """The plan that `plan_to_json` gave."""
    return _PLAN.validate_python(data)


def catalog_to_json(catalog: Catalog) -> dict[str, Any]:
    """A catalog as JSON data."""
    return cast("dict[str, Any]", _CATALOG.dump_python(catalog, mode="json"))
