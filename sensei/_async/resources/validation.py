"""A validation and its report, as they come back."""

from __future__ import annotations

from collections.abc import Callable

from sensei._async.resources._base import AsyncLiveObject
from sensei._async.resources.certificates import AsyncCertificate
from sensei._async.resources.migration import AsyncMigrationSummary
from sensei._wait_conditions import check_passed
from sensei.models.validations import ValidationData, ValidationReportData


class AsyncValidation(AsyncLiveObject, ValidationData):
    """A validation that can be waited for, and leads to a certificate."""

    async def wait(
        self,
        *,
        timeout: float | None = None,
        interval: float | None = None,
        on_progress: Callable[[AsyncValidation], object] | None = None,
        raise_on_failure: bool = False,
    ) -> AsyncValidation:
        """Wait until it is completed, failed or cancelled. `GET /validations/{id}`

        Args:
            timeout: seconds for the whole wait, or None to wait for ever.
            interval: seconds between questions; None adapts them.
            on_progress: called with the validation each time it was fetched.
            raise_on_failure: raise unless it passed, with warnings or without.

        Returns:
            The validation itself, refreshed.

        Raises:
            WaitTimeoutError: it is not over; also a `TimeoutError`.
            ValidationFailedError: it did not pass, with `raise_on_failure`.

        Examples:
            >>> validation = await migration.run_validation(type="full")
            >>> await validation.wait(timeout=600)
            >>> print(validation.overall_result, validation.confidence_score)
        """
        self._become(
            await self._attached().validations.wait(
                self.id, timeout=timeout, interval=interval, on_progress=on_progress
            )
        )
        if raise_on_failure:
            check_passed(self)
        return self

    async def certificate(self) -> AsyncCertificate:
        """Fetch the certificate. `GET /validations/{id}/certificate`

        One is issued when all five perspectives ran and the validation passed.

        Returns:
            The certificate, which can be verified offline.

        Raises:
            NotFoundError: there is none, or none yet; `.details["reason"]` says why.

        Examples:
            >>> certificate = await validation.certificate()
            >>> await certificate.verify()
        """
        return await self._attached().validations.certificate(self.id)

    async def report(self, *, include_details: bool = False) -> AsyncValidationReport:
        """Fetch the report. `GET /validations/{id}/report`

        Args:
            include_details: with row-level facts for each issue.

        Returns:
            The report as an object.

        Examples:
            >>> report = await validation.report()
            >>> for issue in report.issues:
            ...     print(issue.severity, issue.table, issue.message)
        """
        return await self._attached().validations.report(self.id, include_details=include_details)

    async def cancel(self) -> AsyncValidation:
        """Stop the validation; returns the object itself. `POST /validations/{id}/cancel`

        Returns:
            The object itself, refreshed.

        Raises:
            InvalidStateError: it is over already.

        Examples:
            >>> await validation.cancel()
        """
        return self._become(await self._attached().validations.cancel(self.id))

    async def refresh(self) -> AsyncValidation:
        """Fetch the validation again; returns the object itself. `GET /validations/{id}`

        Returns:
            The object itself.

        Examples:
            >>> await validation.refresh()
        """
        return self._become(await self._attached().validations.get(self.id))

    def _repr_html_(self) -> str:
        from sensei._notebook import validation_html

        return validation_html(self)


class AsyncValidationReport(ValidationReportData):
    """A report on a validation.

    Attributes:
        validation: the validation.
        migration: the migration it checks, in short form; always sent.
    """

    validation: AsyncValidation
    migration: AsyncMigrationSummary | None = None
