"""Charts as people read them, on a telephone and on a screen."""

from itertools import pairwise
from typing import TypedDict

import pytest
from flask import Blueprint, render_template_string
from playwright.sync_api import Page

from batch.french import NO_BREAK
from partner_portal.auth.gate import requires
from partner_portal.charts import Bar
from tests.partner_portal.conftest import look_at

pytestmark = pytest.mark.browser


class Box(TypedDict):
    """Where a piece of a chart is, in pixels."""

    left: float
    right: float
    text: str


CHARTS = {
    "deux": [Bar("2026-S36", 41_250_000), Bar("2026-S37", 212_000_000, is_marked=True)],
    "huit": [Bar(f"{day:02d}/09", day * 1_234_500) for day in range(8, 16)],
    "douze": [Bar(f"2026-S{week}", week * 99_000) for week in range(30, 42)],
}


@pytest.fixture
def more_pages() -> tuple[Blueprint, ...]:
    """One page with all the charts."""
    blueprint = Blueprint("charts_of_a_test", __name__)

    @blueprint.get("/graphiques")
    @requires("public.read")
    def page() -> str:
        return render_template_string(
            """{% extends "base.html" %}{% block title %}Graphiques{% endblock %}{% block content %}<h1>Graphiques</h1>
            {% for title, values in charts.items() %}{{ bars(title, values) }}{% endfor %}{% endblock %}""",
            charts=CHARTS,
        )

    return (blueprint,)


def boxes(page: Page, selector: str) -> list[Box]:
    """Where the pieces of the charts that are shown stand."""
    found: list[Box] = page.eval_on_selector_all(
        selector,
        """found => found.map(one => [one, one.getBoundingClientRect()]).filter(([, at]) => at.width > 0)
            .map(([one, at]) => ({left: at.left, right: at.right, text: one.textContent}))""",
    )
    return found


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_a_chart_shows_its_amounts_and_its_last_label_without_scrolling(page: Page, width: int) -> None:
    page.goto("/graphiques")
    page.set_viewport_size({"width": width, "height": 900})
    for number, (title, values) in enumerate(CHARTS.items(), 1):
        figure = f".chart-figure:nth-of-type({number})"
        (frame,) = boxes(page, figure)
        pieces = boxes(page, f"{figure} .chart *")
        assert min(piece["left"] for piece in pieces) > frame["left"], title
        assert max(piece["right"] for piece in pieces) < frame["right"], title
        assert page.eval_on_selector(f"{figure} .chart-label", "one => one.getBoundingClientRect().height") > 12
        amounts = boxes(page, f"{figure} .chart-label[text-anchor=end]")
        assert len(amounts) >= 3
        labels = boxes(page, f"{figure} .chart-label[text-anchor=middle]")
        assert labels[-1]["text"] == values[-1].label
        assert all(one["right"] < following["left"] for one, following in pairwise(labels)), title


def test_an_axis_that_reaches_a_million_counts_in_millions(page: Page) -> None:
    page.goto("/graphiques")
    amounts = page.locator(".chart-figure:first-of-type .chart-label[text-anchor=end]").all_text_contents()
    assert amounts == [f"0{NO_BREAK}€", *(f"{step}{NO_BREAK}M€" for step in (1, 2, 3))]


def test_charts_are_clean(page: Page) -> None:
    page.goto("/graphiques")
    look_at(page, "graphiques")
