"""Pictures of the report as inline SVG."""

from __future__ import annotations

import math
from html import escape

from sensei.server.engine.validation.report_words import bars
from sensei.server.engine.validation.types import ColumnProfile

_WIDTH, _HALF = 320, 56


def ring(share: float, tone: str, text: str) -> str:
    """A ring that is filled as far as `share` (0 to 1) says, with a text inside."""
    radius = 52
    length = 2 * math.pi * radius
    filled = length * max(0.0, min(1.0, share))
    return (
        f'<svg class="ring {tone}" viewBox="0 0 128 128" role="img" aria-label="confidence {escape(text)}">'
        f'<circle class="track" cx="64" cy="64" r="{radius}"/>'
        f'<circle class="arc" cx="64" cy="64" r="{radius}" transform="rotate(-90 64 64)" '
        f'stroke-dasharray="{filled:.2f} {length - filled:.2f}"/>'
        f'<text x="64" y="62">{escape(text)}</text><text class="small" x="64" y="82">confidence</text></svg>'
    )


def distribution(profile: ColumnProfile) -> str:
    """The values of one column: the source upwards, the target downwards, so that a faithful copy is its mirror."""
    source, target = bars(profile.source), bars(profile.target)
    if not source and not target:
        return ""
    labels = [label for label, _ in source or target]
    most = max([count for _, count in source + target] or [1]) or 1
    step = _WIDTH / max(1, len(labels))
    gap = min(3.0, step * 0.15)
    parts: list[str] = []
    for side, counts in (("source", source), ("target", target)):
        for position, (label, count) in enumerate(counts):
            height = 0.0 if not count else max(1.0, _HALF * count / most)
            top = _HALF - height if side == "source" else _HALF + 2
            parts.append(
                f'<rect class="{side}" x="{position * step + gap / 2:.1f}" y="{top:.1f}" width="{step - gap:.1f}" '
                f'height="{height:.1f}"><title>{escape(side)}: {escape(label)}  {count:,}</title></rect>'
            )
    name = escape(f"{profile.table}.{profile.column}")
    return (
        f'<svg class="bars" viewBox="0 0 {_WIDTH} {2 * _HALF + 2}" preserveAspectRatio="none" role="img" '
        f'aria-label="distribution of {name}, source above and target below">'
        + "".join(parts)
        + f'<line x1="0" x2="{_WIDTH}" y1="{_HALF + 1}" y2="{_HALF + 1}"/></svg>'
    )


def axis(profile: ColumnProfile) -> tuple[str, str]:
    """The first and the last label under a picture."""
    shown = bars(profile.source) or bars(profile.target)
    return (shown[0][0], shown[-1][0]) if shown else ("", "")
