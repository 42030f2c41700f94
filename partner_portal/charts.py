"""Charts drawn here as SVG, with attributes and classes only: they pass our content security policy and print well."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Flask, render_template
from markupsafe import Markup

from batch.french import NO_BREAK, whole_number

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 70, 8, 24, 30
CHARACTER = 7
"""Width of a character of the labels, in the drawing's units, on average."""


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
    y: float
    width: float
    height: float
    shows_label: bool


def steps_up_to(highest: int) -> list[int]:
    """Round values for the axis, from 0 to the first not below `highest`: steps of 1, 2 or 5 times a power of ten."""
    rough = max(highest, 1) / 4
    power = 10 ** math.floor(math.log10(rough)) if rough >= 1 else 1
    step = int(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough))
    return list(range(0, step * math.ceil(max(highest, 1) / step) + 1, step))


def axis_euros(cents: int) -> str:
    """An amount on an axis, where cents do not matter: "1 200 €"."""
    return f"{whole_number(cents // 100)}{NO_BREAK}€"


def bars(title: str, values: Sequence[Bar], *, unit: str = "euros") -> Markup:
    """A bar chart of amounts in cents (`unit` "euros") or of counts; a folded table below holds the same figures."""
    say: Callable[[int], str] = axis_euros if unit == "euros" else whole_number
    steps = steps_up_to(max((bar.value for bar in values), default=0))
    floor, room = HEIGHT - BOTTOM, HEIGHT - TOP - BOTTOM
    slot = (WIDTH - LEFT - RIGHT) / max(len(values), 1)
    longest = max((len(bar.label) for bar in values), default=0) * CHARACTER + CHARACTER
    every = max(1, math.ceil(longest / slot))
    drawn = [
        _Drawn(
            bar,
            x=round(LEFT + slot * index + slot * 0.15, 1),
            y=round(floor - room * max(bar.value, 0) / steps[-1], 1),
            width=round(slot * 0.7, 1),
            height=round(room * max(bar.value, 0) / steps[-1], 1),
            # Counted from the right: the latest is what people look for.
            shows_label=(len(values) - 1 - index) % every == 0,
        )
        for index, bar in enumerate(values)
    ]
    lines = [(round(floor - room * step / steps[-1], 1), say(step)) for step in steps]
    size = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "floor": floor}
    return Markup(  # noqa: S704 - rendered by a template that escapes
        render_template("charts/bars.html", title=title, bars=drawn, lines=lines, size=size, unit=unit)
    )


def install(app: Flask) -> None:
    """Offer `bars` and `Bar` to the templates of `app`."""
    app.jinja_env.globals.update(bars=bars, Bar=Bar)
