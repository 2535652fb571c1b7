"""Validations: proof that the target holds what the source holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from sensei._async.resources._base import AsyncResource
from sensei._async.resources.certificates import AsyncCertificate
from sensei._async.resources.validation import AsyncValidation, AsyncValidationReport
from sensei._async.resources.validation_rules import AsyncValidationRules
from sensei._body_checks import checked
from sensei._request import UNSET, HeaderTypes, RequestExtras, TimeoutTypes, Unset
from sensei._wait_conditions import check_passed
from sensei.errors import InvalidArgumentError
from sensei.models.enums import ValidationResultCodeParam, ValidationStatusParam, ValidationTypeParam

if TYPE_CHECKING:
    from sensei._async.client import AsyncClient
    from sensei._async.pagination import AsyncPager
    from sensei.models.params.validations import ValidationOptionsParam


class AsyncValidations(AsyncResource):
    """`client.validations`: comparisons of source and target, and the rules they check."""

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(client)
        self.rules: AsyncValidationRules = AsyncValidationRules(client)

    async def create(
        self,
        *,
        migration_id: str,
        type: ValidationTypeParam | Unset = UNSET,
        options: ValidationOptionsParam | Unset = UNSET,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncValidation:
        """Compare source and target of a completed migration, in the background. `POST /validations`

        Args:
            migration_id: the migration.
            type: kind of the validation: `quick`, `standard` (when not given), `full` or `behavioral_only`. Only
                `full` runs all five perspectives and can lead to a certificate.
            options: switches single perspectives on or off.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The validation; `wait()` for it.

        Raises:
            InvalidArgumentError: a member is unknown or cannot be right.
            InvalidStateError: the migration is not completed.

        Examples:
            >>> validation = await client.validations.create(migration_id="mig_abc123", type="full")
        """
        from sensei.models.params.validations import ValidationCreateBody

        return await self._call(
            AsyncValidation,
            "POST",
            "/validations",
            json=checked(ValidationCreateBody, migration_id=migration_id, type=type, options=options),
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    run = create
    """Another name of `create`."""

    async def get(self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> AsyncValidation:
        """Fetch one validation. `GET /validations/{id}`

        Args:
            id: its id, `val_…`.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The validation.

        Raises:
            NotFoundError: there is no validation with this id.

        Examples:
            >>> validation = await client.validations.get("val_abc123")
            >>> print(validation.status, validation.overall_result)
        """
        return await self._call(AsyncValidation, "GET", "/validations/{id}", id, timeout=timeout, headers=headers)

    def list(
        self,
        *,
        migration_id: str | None = None,
        status: ValidationStatusParam | None = None,
        result: ValidationResultCodeParam | None = None,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncPager[AsyncValidation]:
        """List validations, newest first. `GET /validations`

        Args:
            migration_id: only those of this migration.
            status: only this status.
            result: only this result.
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> async for validation in client.validations.list(result="failed"):
            ...     print(validation.migration_id)
        """
        return self._pages(
            AsyncValidation,
            "/validations",
            params={
                "migration_id": migration_id,
                "status": status,
                "result": result,
                "limit": limit,
                "offset": offset,
            },
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

    async def cancel(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncValidation:
        """Stop a validation. `POST /validations/{id}/cancel`

        Args:
            id: its id.
            idempotency_key: the key of an earlier try whose outcome is unknown; made up when None.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The validation as it is now.

        Raises:
            InvalidStateError: it is over already.

        Examples:
            >>> validation = await client.validations.cancel("val_abc123")
        """
        return await self._call(
            AsyncValidation,
            "POST",
            "/validations/{id}/cancel",
            id,
            idempotency_key=idempotency_key,
            timeout=timeout,
            headers=headers,
        )

    @overload
    async def report(
        self,
        id: str,
        *,
        format: Literal["json"] = "json",
        include_details: bool = False,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncValidationReport: ...

    @overload
    async def report(
        self,
        id: str,
        *,
        format: Literal["html"],
        include_details: bool = False,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> str: ...

    @overload
    async def report(
        self,
        id: str,
        *,
        format: Literal["pdf"],
        include_details: bool = False,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> bytes: ...

    async def report(
        self,
        id: str,
        *,
        format: Literal["json", "html", "pdf"] = "json",
        include_details: bool = False,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> AsyncValidationReport | str | bytes:
        """Fetch the report on a validation. `GET /validations/{id}/report`

        Args:
            id: its id.
            format: `json` for an object, `html` for a page as text, `pdf` for a file as bytes.
            include_details: with row-level facts for each issue.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The report: an object for `json`, text for `html`, bytes for `pdf`.

        Raises:
            InvalidStateError: it is not over.
            APIResponseValidationError: it is no report but, say, a page on which a proxy wants a sign-in.

        Examples:
            >>> page = await client.validations.report("val_abc123", format="html")
            >>> _ = Path("report.html").write_text(page, encoding="utf-8")
        """
        if not isinstance(cast("object", format), str) or format not in _REPORTS:
            raise InvalidArgumentError(f"format must be one of {', '.join(_REPORTS)}")
        shape, accept = _REPORTS[format]
        report: AsyncValidationReport | str | bytes = await self._call(
            shape,
            "GET",
            "/validations/{id}/report",
            id,
            params={"format": None if format == "json" else format, "include_details": include_details or None},
            extras=RequestExtras(accept=accept),
            timeout=timeout,
            headers=headers,
        )
        return report

    async def certificate(
        self, id: str, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None
    ) -> AsyncCertificate:
        """Fetch the certificate of a validation. `GET /validations/{id}/certificate`

        Args:
            id: the validation.
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            The certificate, which can be verified offline.

        Raises:
            NotFoundError: there is none, or none yet; `.details["reason"]` says why.

        Examples:
            >>> certificate = await client.validations.certificate("val_abc123")
        """
        return await self._call(
            AsyncCertificate, "GET", "/validations/{id}/certificate", id, timeout=timeout, headers=headers
        )

    async def wait(
        self,
        id: str,
        *,
        timeout: float | None = None,
        interval: float | None = None,
        on_progress: Callable[[AsyncValidation], object] | None = None,
        raise_on_failure: bool = False,
    ) -> AsyncValidation:
        """Wait until a validation is completed, failed or cancelled. `GET /validations/{id}`

        Args:
            id: its id.
            timeout: seconds for the whole wait, or None to wait for ever.
            interval: seconds between questions; None adapts them.
            on_progress: called with the validation each time it was fetched.
            raise_on_failure: raise unless it passed, with warnings or without.

        Returns:
            The validation as it ended.

        Raises:
            WaitTimeoutError: it is not over; also a `TimeoutError`.
            ValidationFailedError: it did not pass, with `raise_on_failure`.

        Examples:
            >>> validation = await client.validations.wait("val_abc123", timeout=600)
        """
        from sensei._async.polling import poll

        validation = await poll(
            lambda extras: self._call(AsyncValidation, "GET", "/validations/{id}", id, extras=extras),
            until=lambda seen: seen.is_finished,
            status=lambda seen: seen.status,
            what=f"validation {id}",
            timeout=timeout,
            interval=interval,
            on_progress=on_progress,
        )
        if raise_on_failure:
            check_passed(validation)
        return validation


_REPORTS: Mapping[str, tuple[type[Any], str]] = {
    "json": (AsyncValidationReport, "application/json"),
    "html": (str, "text/html"),
    "pdf": (bytes, "application/pdf"),
}
