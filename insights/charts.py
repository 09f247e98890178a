"""Charts as SVG made on the server: no script, readable in print and in both themes. Each stands beside its
table, so that nothing is in a picture alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

WIDTH, ROW, LEFT, RIGHT, TOP = 720, 30, 220, 80, 10


def _svg(height: float, title: str, body: list[str]) -> SafeString:
    head = f'<svg class="dl-chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
    return mark_safe(head + f"<title>{escape(title)}</title>" + "".join(body) + "</svg>")


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(label: str, length: int = 32) -> str:
    return label if len(label) <= length else label[: length - 1] + "…"


@dataclass(frozen=True)
class Scale:
    """Where a value lies on the horizontal axis."""

    least: float
    most: float

    def x(self, value: float) -> float:
        return LEFT + (value - self.least) / ((self.most - self.least) or 1) * (WIDTH - LEFT - RIGHT)

    @property
    def ticks(self) -> tuple[float, float, float]:
        return self.least, (self.least + self.most) / 2, self.most


Estimated = tuple[str, float, float | None, float | None]


def intervals(
    title: str,
    rows: Sequence[tuple[str, float | None, float | None, float | None]],
    *,
    guide: float | None = None,
    percent: bool = True,
) -> SafeString | str:
    """A dot with its interval per row: (label, value, low, high); a dashed line at `guide`."""
    known = [(label, value, low, high) for label, value, low, high in rows if value is not None]
    if not known:
        return ""
    scale = _scale(known, guide, percent)
    height = TOP + ROW * len(known) + 26
    floor = height - 22
    body = [f'<line class="axis" x1="{LEFT}" y1="{floor}" x2="{WIDTH - RIGHT}" y2="{floor}"/>']
    if guide is not None:
        x = f"{scale.x(guide):.1f}"
        body.append(f'<line class="guide" x1="{x}" y1="{TOP}" x2="{x}" y2="{floor}"/>')
    body += [_text(scale.x(tick), floor + 16, spelled(tick, percent), "middle") for tick in scale.ticks]
    for at, row in enumerate(known):
        body += _interval(row, TOP + ROW * at + ROW / 2, scale, percent)
    return _svg(height, title, body)


def _scale(rows: Sequence[Estimated], guide: float | None, percent: bool) -> Scale:
    """Wide enough for every interval and the guide; shares end at 0 and 1."""
    ends: list[float] = [end for _, value, low, high in rows for end in (value, low, high) if end is not None]
    ends += [] if guide is None else [guide]
    least, most = min(ends), max(ends)
    margin = (most - least) * 0.06 or abs(most) * 0.1 or 1
    least, most = least - margin, most + margin
    return Scale(max(0.0, least), min(1.0, most)) if percent else Scale(least, most)


def _interval(row: Estimated, y: float, scale: Scale, percent: bool) -> list[str]:
    label, value, low, high = row
    body = [_text(LEFT - 10, y + 4, _short(label), "end")]
    if low is not None and high is not None:
        body.append(f'<line class="span" x1="{scale.x(low):.1f}" y1="{y}" x2="{scale.x(high):.1f}" y2="{y}"/>')
    body.append(f'<circle class="mark" cx="{scale.x(value):.1f}" cy="{y}" r="5"/>')
    body.append(_text(WIDTH - RIGHT + 10, y + 4, spelled(value, percent)))
    return body


def bars(
    title: str, rows: Sequence[tuple[str, float]], *, guide: float | None = None, percent: bool = False
) -> SafeString | str:
    """Horizontal bars from zero: (label, value)."""
    if not rows:
        return ""
    most = max([value for _, value in rows] + ([guide] if guide else [])) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    height = TOP + ROW * len(rows) + 8
    body = []
    for at, (label, value) in enumerate(rows):
        y = TOP + ROW * at
        body.append(_text(LEFT - 10, y + 19, _short(label), "end"))
        body.append(
            f'<rect class="bar" x="{LEFT}" y="{y + 6}" width="{max(1, value * scale):.1f}" height="{ROW - 12}" rx="2"/>'
        )
        body.append(
            _text(
                LEFT + value * scale + 8,
                y + 19,
                spelled(value, percent)
                if percent
                else f"{value:,.0f}"
                if value >= 10 or value == int(value)
                else f"{value:.2f}",
            )
        )
    if guide:
        at_x = LEFT + guide * scale
        body.append(f'<line class="guide" x1="{at_x:.1f}" y1="{TOP}" x2="{at_x:.1f}" y2="{height - 6}"/>')
    return _svg(height, title, body)


def columns(title: str, rows: Sequence[tuple[str, float]]) -> SafeString | str:
    """One column per day or week, the first, middle and last named."""
    if not rows or not any(value for _, value in rows):
        return ""
    height, left, floor = 200, 46, 168
    most = max(value for _, value in rows)
    step = (WIDTH - left - 12) / len(rows)
    body = [
        f'<line class="axis" x1="{left}" y1="{floor}" x2="{WIDTH - 12}" y2="{floor}"/>',
        _text(left - 8, 24, f"{most:,.0f}", "end"), _text(left - 8, floor, "0", "end"),
    ]  # fmt: skip
    for at, (_, value) in enumerate(rows):
        tall = value / most * (floor - 18)
        place = f'x="{left + at * step + 1:.1f}" y="{floor - tall:.1f}"'
        body.append(f'<rect class="bar" {place} width="{max(1.0, step - 2):.1f}" height="{tall:.1f}"/>')
    for at in sorted({0, len(rows) // 2, len(rows) - 1}):
        anchor = "start" if at == 0 else "end" if at == len(rows) - 1 else "middle"
        body.append(
            _text(
                left + at * step + (0 if at == 0 else step if anchor == "end" else step / 2),
                floor + 20,
                rows[at][0],
                anchor,
            )
        )
    return _svg(height, title, body)


def line(title: str, values: Sequence[float], *, guide: float) -> SafeString | str:
    """A course over time, with the threshold that it should stay under."""
    if len(values) < 2:
        return ""
    height, left, floor = 150, 46, 128
    most = max([*values, guide]) * 1.05
    step = (WIDTH - left - 12) / (len(values) - 1)
    points = " ".join(
        f"{left + at * step:.1f},{floor - value / most * (floor - 12):.1f}" for at, value in enumerate(values)
    )
    at_y = floor - guide / most * (floor - 12)
    return _svg(height, title, [
        f'<line class="axis" x1="{left}" y1="{floor}" x2="{WIDTH - 12}" y2="{floor}"/>',
        f'<line class="guide" x1="{left}" y1="{at_y:.1f}" x2="{WIDTH - 12}" y2="{at_y:.1f}"/>',
        _text(left - 8, at_y + 4, f"{guide:g}", "end"), _text(left - 8, floor, "0", "end"),
        f'<polyline class="line" points="{points}"/>', _text(left, floor + 17, f"last {len(values)} calibration pairs"),
    ])  # fmt: skip


def course(
    title: str, points: Sequence[tuple[float, float]], *, over: str, guide: float | None = None
) -> SafeString | str:
    """A value over something that is counted, under its title; a dashed line at `guide`."""
    if len(points) < 2:
        return ""
    height, left, top, floor = 190, 60, 34, 148
    values = [value for _, value in points] + ([] if guide is None else [guide])
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    first, last = points[0][0], points[-1][0]

    def y(value: float) -> float:
        return floor - (value - low) / span * (floor - top)

    way = " ".join(
        f"{left + (at - first) / ((last - first) or 1) * (WIDTH - left - 12):.1f},{y(value):.1f}"
        for at, value in points
    )
    body = [
        _text(left, 18, title),
        f'<line class="axis" x1="{left}" y1="{floor}" x2="{WIDTH - 12}" y2="{floor}"/>',
        _text(left - 8, top + 4, f"{high:.2f}", "end"), _text(left - 8, floor, f"{low:.2f}", "end"),
        f'<polyline class="line" points="{way}"/>', _text(left, floor + 17, f"{first:g}"),
        _text(WIDTH - 12, floor + 17, f"{last:g}", "end"), _text(WIDTH / 2, floor + 17, over, "middle"),
    ]  # fmt: skip
    if guide is not None:
        body.append(f'<line class="guide" x1="{left}" y1="{y(guide):.1f}" x2="{WIDTH - 12}" y2="{y(guide):.1f}"/>')
    return _svg(height, title, body)


def spelled(value: float, percent: bool) -> str:
    return f"{value:.1%}" if percent else f"{value:.2f}" if abs(value) < 20 else f"{value:.0f}"
