"""Bars that read in black and white: each status has its own hatch, drawn as plain lines."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from compliance.reports.model import Status

WIDTH, HEIGHT = 530.0, 10.0  # user units; the page scales them


def bar(status: Status, n: int, total: int) -> Markup:
    """An SVG bar of length n/total inside a thin frame; an empty frame when nothing was counted.

    The bar repeats what the number beside it says; its title is the alternate text of the tagged figure.
    """
    width = WIDTH * n / total if total else 0.0
    inside = _fill(status, width) if n else ""
    # A single item among thousands must not look like none.
    edge = f'<rect x="0" y="0" width="{max(width, 1.5):.1f}" height="{HEIGHT}" fill="none" stroke="#000"/>' if n else ""
    frame = f'<rect x="0" y="0" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#bbb" stroke-width="0.5"/>'
    return Markup(  # noqa: S704 -- numbers and constants only, no text from outside
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {WIDTH + 2} {HEIGHT + 2}" '
        f'width="100mm" height="2.4mm" ><title>{n} / {total}</title>{frame}{inside}{edge}</svg>'
    )


def timeline(stretches: Sequence[tuple[Status, float]]) -> Markup:
    """An SVG band of statuses one after the other, each as long as its share of the whole; the list beside it has the
    times."""
    whole = sum(share for _, share in stretches)
    begin = 0.0
    parts = []
    for status, share in stretches:
        width = WIDTH * share / whole if whole else 0.0
        edge = f'<path d="M0 0V{HEIGHT}" stroke="#000" stroke-width="0.8"/>' if begin else ""
        parts.append(f'<g transform="translate({begin:.1f} 0)">{_fill(status, max(width, 1.0))}{edge}</g>')
        begin += width
    frame = f'<rect x="0" y="0" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#000" stroke-width="0.8"/>'
    said = ", ".join(status.value for status, _ in stretches[:12])
    return Markup(  # noqa: S704 -- numbers and constants only, no text from outside
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {WIDTH + 2} {HEIGHT + 2}" '
        f'width="130mm" height="3.1mm" ><title>{said}</title>{"".join(parts)}{frame}</svg>'
    )


def _fill(status: Status, width: float) -> str:
    if status is Status.FAIL:
        return f'<rect x="0" y="0" width="{width:.1f}" height="{HEIGHT}" fill="#000"/>'
    if status is Status.PASS:
        return f'<rect x="0" y="0" width="{width:.1f}" height="{HEIGHT}" fill="#ddd"/>'
    lines = {
        Status.WAIVED: _slanted(width, 5) + _slanted(width, 5, mirrored=True),
        Status.UNKNOWN: _slanted(width, 4),
        Status.MANUAL: "".join(f"M{x * 4:.1f} 0V{HEIGHT}" for x in range(1, int(width / 4) + 1)),
        Status.NOT_EVALUATED: "".join(f"M0 {y:.1f}H{width:.1f}" for y in (2.5, 5.0, 7.5)),
    }.get(status, "")
    return f'<path d="{lines}" stroke="#000" stroke-width="0.8" fill="none"/>' if lines else ""


def _slanted(width: float, step: int, *, mirrored: bool = False) -> str:
    """Lines at 45 degrees, cut at the ends of the bar."""
    parts = []
    start = -HEIGHT + step
    while start < width:
        left, right = max(start, 0.0), min(start + HEIGHT, width)
        low, high = left - start, right - start
        y1, y2 = (low, high) if mirrored else (HEIGHT - low, HEIGHT - high)
        parts.append(f"M{left:.1f} {y1:.1f}L{right:.1f} {y2:.1f}")
        start += step
    return "".join(parts)
