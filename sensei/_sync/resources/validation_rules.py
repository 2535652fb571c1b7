# Generated from sensei/_async/resources/validation_rules.py by scripts/generate_sync.py: change that file and run the script.
"""Custom rules, checked in the semantic perspective of validations."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Literal

from sensei._body_checks import checked
from sensei._request import UNSET, HeaderTypes, TimeoutTypes, Unset
from sensei._sync.resources._base import LiveObject, Resource
from sensei.models.base import JsonScalar
from sensei.models.validations import ValidationRuleData

if TYPE_CHECKING:
    from sensei._sync.pagination import Page
    from sensei.models.params.validations import RuleSeverity


class ValidationRule(LiveObject, ValidationRuleData):
    """A custom rule that can be deleted."""

    def delete(self) -> None:
        """Delete the rule. `DELETE /validations/rules/{rule_id}`

        Examples:
            >>> rule.delete()
        """
        self._attached().validations.rules.delete(self.id)


class ValidationRules(Resource):
    """`client.validations.rules`: rules of your own, which later validations check."""

    def create(
        self,
        *,
        name: str,
        rule: str,
        expected: JsonScalar,
        type: Literal["sql"] = "sql",
        description: str | Unset = UNSET,
        severity: RuleSeverity | Unset = UNSET,
        migration_id: str | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> ValidationRule:
        """Make a rule; validations that begin later check it. `POST /validations/rules`

        Args:
            name: what people call it, up to 255 characters.
            rule: one read-only query that gives one value; it runs on the target.
            expected: the value that means the rule holds; None is null.
            type: `sql`.
            description: up to 2,000 characters.
            severity: `info` and `warning` give at most `passed_with_warnings`; `error` (when not given) and
                `critical` make the validation fail.
            migration_id: the one migration it applies to; all of the organization when not given.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The rule.

        Raises:
            InvalidArgumentError: a value cannot be right.
            PermissionDeniedError: `quota_exceeded`, the plan allows no more rules.

        Examples:
            >>> rule = client.validations.rules.create(
            ...     name="No negative totals",
            ...     rule="SELECT COUNT(*) FROM orders WHERE total < 0",
            ...     expected=0,
            ... )
        """
        from sensei.models.params.validations import RuleCreateBody

        return self._call(
            ValidationRule,
            "POST",
            "/validations/rules",
            json=checked(
                RuleCreateBody,
                name=name,
                description=description,
                type=type,
                rule=rule,
                expected=expected,
                severity=severity,
                migration_id=migration_id,
            ),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    def list(
        self,
        *,
        migration_id: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Page[ValidationRule]:
        """List rules, newest first. `GET /validations/rules`

        Args:
            migration_id: only rules that apply to this migration.
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> for rule in client.validations.rules.list():
            ...     print(rule.name, rule.severity)
        """
        return self._pages(
            ValidationRule,
            "/validations/rules",
            params={"migration_id": migration_id, "limit": limit, "offset": offset},
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    def delete(self, rule_id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> None:
        """Delete a rule. `DELETE /validations/rules/{rule_id}`

        Args:
            rule_id: its id, `rule_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Raises:
            NotFoundError: there is no rule with this id.

        Examples:
            >>> client.validations.rules.delete("rule_abc123")
        """
        self._call(NoneType, "DELETE", "/validations/rules/{rule_id}", rule_id, timeout=timeout, headers=headers)
