"""Curves as SVG: panels side by side, each with its lines over the steps. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 300, 200, 52, 34, 40
COLOURS = ("#1b6ca8", "#c0504d", "#5a8f3c")


@dataclass(frozen=True)
class Line:
    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    title: str
    lines: Sequence[Line]
    over: str = "step"


def drawn(panels: Sequence[Panel]) -> str:
    """The picture; panels without a point are left out."""
    shown = [panel for panel in panels if any(line.points for line in panel.lines)]
    width = max(1, len(shown)) * (WIDTH + 24)
    body = "".join(f'<g transform="translate({at * (WIDTH + 24)},0)">{_panel(p)}</g>' for at, p in enumerate(shown))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" '
        f'font-size="11">{body}</svg>\n'
    )


def _panel(panel: Panel) -> str:
    points = [point for line in panel.lines for point in line.points]
    left, right = _span([x for x, _ in points])
    low, high = _span([y for _, y in points])
    across, down = WIDTH - LEFT, HEIGHT - TOP - BOTTOM
    floor = TOP + down
    parts = [
        f'<text x="{LEFT}" y="14" font-weight="bold">{escape(panel.title)}</text>',
        f'<path d="M{LEFT} {TOP}V{floor}H{WIDTH}" fill="none" stroke="#999"/>',
        f'<text x="{LEFT - 6}" y="{TOP + 4}" text-anchor="end">{high:.4g}</text>',
        f'<text x="{LEFT - 6}" y="{floor}" text-anchor="end">{low:.4g}</text>',
        f'<text x="{LEFT}" y="{floor + 16}">{left:.4g}</text>',
        f'<text x="{WIDTH}" y="{floor + 16}" text-anchor="end">{right:.4g}</text>',
        f'<text x="{LEFT + across / 2}" y="{floor + 30}" text-anchor="middle">{escape(panel.over)}</text>',
    ]
    for at, line in enumerate(panel.lines):
        colour = COLOURS[at % len(COLOURS)]
        way = " ".join(
            f"{LEFT + (x - left) / (right - left) * across:.1f},{floor - (y - low) / (high - low) * down:.1f}"
            for x, y in line.points
        )
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if len(panel.lines) > 1:
            parts.append(f'<text x="{LEFT + 84 * at}" y="28" fill="{colour}">{escape(line.name)}</text>')
    return "".join(parts)


def _span(values: Sequence[float]) -> tuple[float, float]:
    least, most = min(values), max(values)
    return (least, most) if most > least else (least - 0.5, most + 0.5)
