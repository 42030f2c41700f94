"""The student's space: what is left, until when, and my code."""

from flask import Blueprint

from partner_portal.students import code, data, door, home, places

STUDENT_PAGES: tuple[Blueprint, ...] = (
    door.blueprint,
    home.blueprint,
    code.blueprint,
    places.blueprint,
    data.blueprint,
)
