"""What a rule decides about one column."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sensei.server.engine.plan import Risk


@dataclass(frozen=True, slots=True)
class Choice:
    """A target type, how sure it is, and why."""

    type: str
    confidence: float
    reasoning: str
    how: str = "identity"
    """The mapping's `transformation_type`."""
    compatible: bool = True
    loss: bool = False
    flags: tuple[str, ...] = ()
    risks: tuple[Risk, ...] = ()
    choices: tuple[str, ...] = ()
    """The only values allowed, where a check must take the place of an enumerated type."""
    members: tuple[str, ...] = ()
    """The only parts allowed of a value that is a list with commas between."""

    def doubt(self, confidence: float, flag: str, *risks: Risk) -> Choice:
        """The same with a flag, no more confident than given, and with further risks."""
        return replace(
            self,
            confidence=min(self.confidence, confidence),
            flags=(*self.flags, flag),
            risks=(*self.risks, *risks),
        )
