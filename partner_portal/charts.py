"""Charts drawn here as SVG, with attributes and classes only: they pass our content security policy and print well."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, render_template
from markupsafe import Markup

from batch.french import NO_BREAK, whole_number

HEIGHT, TOP, BOTTOM = 260, 14, 30
"""Pixels: heights are fixed and places from left to right are shares of the width, so that letters keep their size on
a telephone; the stylesheet keeps the room at the left where the amounts of the axis stand."""
WIDE, NARROW = 640, 165
"""Pixels that the bars have for certain, on a screen and from the narrowest telephone on."""
CHARACTER = 7
"""Pixels of a character of the labels, on average."""
WIDEST = 16
"""Hundredths of the width that one bar has at most: two are not two walls."""
MILLION = 100_000_000
"""Cents."""


@dataclass(frozen=True)
class Bar:
    """One bar: what it stands for and how much, in the unit of the chart (cents, for amounts)."""

    label: str
    value: int
    is_marked: bool = False


@dataclass(frozen=True)
class _Drawn:
    bar: Bar
    x: float
    width: float
    middle: float
    y: float
    height: float
    shows_label: bool
    shows_label_if_narrow: bool


def steps_up_to(highest: int) -> list[int]:
    """Round values for the axis, from 0 to the first not below `highest`: steps of 1, 2 or 5 times a power of ten."""
    rough = max(highest, 1) / 4
    power = 10 ** math.floor(math.log10(rough)) if rough >= 1 else 1
    step = int(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough))
    return list(range(0, step * math.ceil(max(highest, 1) / step) + 1, step))


def axis_euros(steps: Sequence[int]) -> list[str]:
    """Amounts on an axis, where cents do not matter: "1 200 €", and "1,5 M€" on one that reaches a million."""
    if steps[-1] < MILLION:
        return [f"{whole_number(step // 100)}{NO_BREAK}€" for step in steps]
    # Nothing is nothing, in millions too.
    return [f"{step / MILLION:g}{NO_BREAK}{'M€' if step else '€'}".replace(".", ",") for step in steps]


def bars(title: str, values: Sequence[Bar], *, unit: str = "euros") -> Markup:
    """A bar chart of amounts in cents (`unit` "euros") or of counts; a folded table below holds the same figures."""
    steps = steps_up_to(max((bar.value for bar in values), default=0))
    said = axis_euros(steps) if unit == "euros" else [whole_number(step) for step in steps]
    floor, room = HEIGHT - BOTTOM, HEIGHT - TOP - BOTTOM
    slot = 100 / max(len(values), 1)
    width = min(slot * 0.7, WIDEST)
    # Counted from the right: the latest is what people look for.
    from_the_right = range(len(values) - 1, -1, -1)
    wide, narrow = (_every(values, pixels * slot / 100) for pixels in (WIDE, NARROW))
    drawn = [
        _Drawn(
            bar,
            x=round(slot * (index + 0.5) - width / 2, 2),
            width=round(width, 2),
            middle=round(slot * (index + 0.5), 2),
            y=round(floor - room * max(bar.value, 0) / steps[-1], 1),
            height=round(room * max(bar.value, 0) / steps[-1], 1),
            shows_label=from_the_right[index] % wide == 0,
            shows_label_if_narrow=from_the_right[index] % narrow == 0,
        )
        for index, bar in enumerate(values)
    ]
    lines = [(round(floor - room * step / steps[-1], 1), text) for step, text in zip(steps, said, strict=True)]
    return Markup(  # noqa: S704 - rendered by a template that escapes
        render_template("charts/bars.html", title=title, bars=drawn, lines=lines, height=HEIGHT, floor=floor, unit=unit)
    )


def _every(values: Sequence[Bar], slot: float) -> int:
    """Every which label fits where a bar has `slot` pixels."""
    longest = max((len(bar.label) for bar in values), default=0) * CHARACTER + CHARACTER
    return max(1, math.ceil(longest / slot))


def install(app: Flask) -> None:
    """Offer `bars` and `Bar` to the templates of `app`."""
    app.jinja_env.globals.update(bars=bars, Bar=Bar)
