"""The page of those who watch: tasks that failed, mails that did not leave, and sending one again."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import Engine, text

from batch.queue import queue
from ledger import outbox
from ledger.outbox import NewMail
from ledger.rights import Role
from tests.partner_portal.conftest import Visitor, enrol, hire, sign_in_with_code

PAGE = "/region/exploitation"
IBAN = "FR7630006000011234567890189"


def signed_in(app: Flask, books: Engine, role: Role) -> Visitor:
    visitor = Visitor(app)
    email = f"{role}@normandie.fr"
    assert visitor.sign_in(email, secret=enrol(books, hire(books, email, role))).status_code == 302
    return visitor


@pytest.fixture
def refused(books: Engine) -> int:
    """The number of a mail that its server refused for good."""
    with books.begin() as conn:
        mail = NewMail("lycee@example.org", "Votre versement", "Bonjour", "<p>Bonjour</p>", "test", "k1")
        outbox.post_all(conn, [mail])
        handed = outbox.hand_over(conn)
        assert handed
        outbox.note_refused(conn, handed.id, "550 no such user")
    return handed.id


def test_nothing_to_watch_is_said(app: Flask, books: Engine) -> None:
    told = signed_in(app, books, Role.ACCOUNTANT).get(PAGE).text
    assert "Aucun processus de travail n’est en route" in told
    assert "Aucune tâche n’a échoué" in told
    assert "Tous les courriels sont partis." in told


def test_an_administrator_sends_a_refused_mail_again(app: Flask, books: Engine, refused: int) -> None:
    administrator = signed_in(app, books, Role.ADMINISTRATOR)
    assert f'href="{PAGE}">1\u00a0courriel en difficulté</a>' in administrator.get("/region").text
    assert "550 no such user" in administrator.get(PAGE).text
    for answer in ("repart dans la minute", "est déjà parti, ou repart déjà"):
        assert administrator.post(f"{PAGE}/courriels/{refused}").location == PAGE
        assert answer in administrator.get(PAGE).text
    with books.connect() as conn:
        noted = conn.execute(text("select actor, subject from audit_event where action = 'mail.send_again'")).all()
    assert [subject for _, subject in noted] == [f"mail:{refused}"]


def test_an_accountant_looks_and_does_not_send(app: Flask, books: Engine, refused: int) -> None:
    accountant = signed_in(app, books, Role.ACCOUNTANT)
    told = accountant.get(PAGE).text
    assert "Refusé pour de bon" in told
    assert "Renvoyer" not in told
    assert accountant.post(f"{PAGE}/courriels/{refused}").status_code == 403
    assert signed_in(app, books, Role.AUDITOR).get(PAGE).status_code == 403


def test_tasks_that_failed_are_told_without_what_is_private(app: Flask, books: Engine, redis: Redis) -> None:
    low = queue("low", redis)
    for _ in range(2):
        low.enqueue("builtins.int", IBAN)
    low.enqueue("batch.seals.no_such_function")
    SimpleWorker([low], connection=redis).work(burst=True)
    told = signed_in(app, books, Role.ACCOUNTANT).get(PAGE).text
    assert "ValueError: invalid literal for int() with base 10" in told
    assert "Scellement du grand livre" in told
    assert '<td data-label="Échecs" class="number">2</td>' in told
    assert IBAN not in told


@pytest.mark.browser
def test_the_page_stands_on_a_phone_and_a_screen(
    page: Page, app: Flask, books: Engine, redis: Redis, refused: int, look: Callable[[str], None]
) -> None:
    queue("low", redis).enqueue("batch.seals.no_such_function")
    SimpleWorker([queue("low", redis)], connection=redis).work(burst=True)
    secret = enrol(books, hire(books, "admin@normandie.fr", Role.ADMINISTRATOR))
    sign_in_with_code(page, "admin@normandie.fr", secret, "/region")
    page.get_by_role("link", name="Exploitation").click()
    look("exploitation")
    page.get_by_role("button", name="Renvoyer").click()
    expect(page.get_by_text("Le courriel repart dans la minute.")).to_be_visible()
    expect(page.get_by_text("Sera réessayé")).to_be_visible()
