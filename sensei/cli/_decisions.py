"""Decide mappings, and say what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from sensei.cli._errors import FAILED, NOT_FOUND, CommandError
from sensei.cli._options import Options
from sensei.cli._result import tell, write_result
from sensei.cli._text import count

if TYPE_CHECKING:
    from sensei import Client
    from sensei._sync.resources.mapping import MappingBulkResult
    from sensei.models.params.review import MappingChangeParam

Verdict = Literal["approved", "rejected"]


def decide(
    client: Client, migration_id: str, mapping_ids: Sequence[str], verdict: Verdict, comment: str | None
) -> MappingBulkResult:
    """Decide the mappings that are named, each for itself; one that is named twice is decided once."""
    updates: list[MappingChangeParam] = [{"id": one, "status": verdict} for one in dict.fromkeys(mapping_ids)]
    if comment is not None:
        for update in updates:
            update["comment"] = comment
    return client.mappings.bulk_update(migration_id, updates=updates)


def write_decisions(options: Options, result: MappingBulkResult, verdict: Verdict, left: int) -> None:
    """Write how the decisions came out.

    Args:
        options: Say which form.
        result: As the API answered.
        verdict: What was decided.
        left: How many mappings are in review now.

    Raises:
        CommandError: Some were refused; the message has the first.
    """
    done = [one.id for one in result.results if one.success]
    rest = f"; {count(left, 'mapping')} still in review" if left else "; none is left in review"
    write_result(options, result.to_dict(), ids=done, text=f"{count(len(done), 'mapping')} {verdict}{rest}.")
    if not result.failed:
        return
    for refused in result.failed[1:]:
        tell(f"{refused.id}: {refused.error}")
    first = result.failed[0]
    unknown = all(one.error is not None and one.error.code.endswith("_not_found") for one in result.failed)
    number = count(len(result.failed), "mapping")
    raise CommandError(
        f"{number} could not be {verdict}: {first.id}: {first.error}", exit_code=NOT_FOUND if unknown else FAILED
    )
