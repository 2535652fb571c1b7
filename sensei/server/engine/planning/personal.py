"""Guess by its name whether a column holds personal data."""

from __future__ import annotations

import re

_WORDS = re.compile(
    r"(?:^|_)(?:e_?mail|phone|mobile|fax|ssn|social_security|passport|iban|card_?(?:number|no)|tax_id|"
    r"(?:first|last|full|middle|maiden|nick|user|sur)_?name|nickname|surname|born|birth\w*|dob|age|gender|sex|"
    r"address\w*|street|line[12]|zip|zip_?code|postal_?code|post_?code|"
    r"latitude|longitude|ip|ip_?addr\w*|password\w*|pwd|token|secret|salary|religion|ethnicity|diagnosis)(?:_|$|\d)"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def looks_personal(column: str) -> bool:
    """Whether a column of that name probably holds personal data."""
    return bool(_WORDS.search(_CAMEL.sub("_", column).lower().replace(" ", "_").replace("-", "_")))
