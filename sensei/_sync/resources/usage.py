# Generated from sensei/_async/resources/usage.py by scripts/generate_sync.py: change that file and run the script.
"""Usage: what the organization has used of its plan."""

from __future__ import annotations

from sensei._request import UNSET, HeaderTypes, TimeoutTypes
from sensei._sync.resources._base import Resource
from sensei.models.usage import UsageReport


class Usage(Resource):
    """`client.usage`: figures of the running month. Needs the scope `billing:read`."""

    def current(self, *, timeout: TimeoutTypes = UNSET, headers: HeaderTypes = None) -> UsageReport:
        """Fetch what was used in this calendar month (UTC). `GET /usage/current`

        Args:
            timeout: seconds for one attempt.
            headers: headers for this call only.

        Returns:
            What was used, and what the plan allows.

        Examples:
            >>> usage = client.usage.current()
            >>> print(usage.requests.total, "of", usage.requests.limit)
        """
        return self._call(UsageReport, "GET", "/usage/current", timeout=timeout, headers=headers)
