"""What students are told: each sale, refund and reminder once, whatever is killed, repeated or runs at once."""

import threading
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from batch import student_mails
from batch.french import day_in_words
from ledger import cancellations, outbox, student_history, student_notices, students
from ledger.calendar import last_day_before
from tests.conftest import Database
from tests.ledger.scheme import ACTOR, BOOK, HELMET, OTHER_BOOK, Line, Scheme, let_benefits_end, make_scheme

MARK = "ATOUTS_REMINDER_DAYS"


@pytest.fixture
def engine(fresh_database: Database) -> Engine:
    return fresh_database.engine


@pytest.fixture
def scheme(engine: Engine) -> Scheme:
    """Two students with an address, one without."""
    with engine.begin() as conn:
        return make_scheme(
            conn,
            Line("000000001AA", first_name="Léa", email="lea@example.org"),
            Line("000000002AA", first_name="Tom", email="tom@example.org", stream="vocational", first_entry=True),
            Line("000000003AA", first_name="Zoé"),
        )


def mails(engine: Engine) -> list[tuple[str, str, str]]:
    with engine.connect() as conn:
        return [
            tuple(row)
            for row in conn.execute(text("select recipient, subject, body_text from mail_outbox order by id"))
        ]


def ends_in(database: Database, days: int) -> None:
    with database.owner_engine.begin() as conn:
        let_benefits_end(conn, days)


def test_a_purchase_is_receipted_once_with_what_is_left_and_until_when(engine: Engine, scheme: Scheme) -> None:
    with engine.begin() as conn:
        scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 1250)]), (scheme.cards[2], [(BOOK, 3000)]))
        usable_until = conn.execute(text("select min(usable_until) from benefit")).scalar_one()
    assert student_mails.write_receipts(engine) == 1
    assert student_mails.write_receipts(engine) == 0
    ((recipient, subject, body),) = mails(engine)
    assert recipient == "lea@example.org"
    assert "42,50" in subject
    assert "Maths 2nde : 30,00" in body
    assert "27,50" in body
    assert day_in_words(last_day_before(usable_until)) in body


def test_a_refund_is_told_with_its_own_receipt(engine: Engine, scheme: Scheme) -> None:
    with engine.begin() as conn:
        (sale,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 1250)]))
        student_mails_before = sale.sale_id
    assert student_mails.write_receipts(engine) == 1
    with engine.begin() as conn:
        cancellations.cancel(
            conn,
            student_mails_before,
            partner_id=scheme.till.partner_id,
            lines=[2],
            origin=ACTOR,
            key=uuid4(),
            request_hash=b"h",
        )
    assert student_mails.write_receipts(engine) == 1
    _, subject, body = mails(engine)[1]
    assert "12,50" in subject
    assert "rendu" in subject
    assert "Physique 2nde" in body
    assert "Maths" not in body


def test_a_refund_after_the_deadline_says_that_it_is_lost(
    engine: Engine, scheme: Scheme, fresh_database: Database
) -> None:
    with engine.begin() as conn:
        (sale,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("update benefit set usable_until = now()"))
    with engine.begin() as conn:
        asked = {"origin": ACTOR, "key": uuid4(), "request_hash": b"h"}
        cancellations.cancel(conn, sale.sale_id, partner_id=scheme.till.partner_id, **asked)
        told = student_history.operations(conn, scheme.student_ids[0])
    assert [(one.kind, one.amount, one.balance_after) for one in told] == [
        ("late_refund_lapse", -3000, 4000),
        ("refund", 3000, 7000),
        ("sale", -3000, 4000),
        ("grant", 7000, 7000),
    ]
    assert told[2].titles == ("Maths 2nde",)
    student_mails.write_receipts(engine)
    assert "ne peuvent plus être utilisés" in mails(engine)[1][2]


def test_a_receipt_the_counter_mailed_already_is_not_mailed_again(engine: Engine, scheme: Scheme) -> None:
    with engine.begin() as conn:
        (sale,) = scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
        outbox.post(
            conn,
            recipient="lea@example.org",
            subject="Reçu",
            body_text="",
            body_html="",
            purpose="receipt",
            dedup_key=f"receipt:{sale.sale_id}:3000",
        )
    assert student_mails.write_receipts(engine) == 0
    assert len(mails(engine)) == 1


def test_receipts_killed_before_the_commit_are_written_by_the_next_run(engine: Engine, scheme: Scheme) -> None:
    with engine.begin() as conn:
        scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
    with engine.connect() as conn:
        assert student_notices.claim_receipts(conn, 10**9)
    assert student_mails.write_receipts(engine) == 1


def test_a_sale_committed_after_a_later_one_is_not_passed_over(engine: Engine, scheme: Scheme) -> None:
    with engine.connect() as slow, engine.connect() as quick:
        scheme.till.sell(slow, (scheme.cards[0], [(BOOK, 3000)]))
        scheme.till.sell(quick, (scheme.cards[1], [(BOOK, 2000)]))
        quick.commit()
        threading.Timer(0.3, slow.commit).start()
        assert student_mails.write_receipts(engine) == 2


def test_two_jobs_at_once_write_each_mail_once(engine: Engine, scheme: Scheme, fresh_database: Database) -> None:
    with engine.begin() as conn:
        scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000)]))
    ends_in(fresh_database, 20)

    def work() -> None:
        student_mails.write_receipts(engine)
        student_mails.write_reminders(engine)

    jobs = [threading.Thread(target=work) for _ in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert sorted(recipient for recipient, *_ in mails(engine)) == ["lea@example.org"] * 2 + ["tom@example.org"]


def test_reminders_follow_the_calendar_once_each(engine: Engine, scheme: Scheme, fresh_database: Database) -> None:
    ends_in(fresh_database, 61)
    assert student_mails.write_reminders(engine) == 0
    ends_in(fresh_database, 60)
    assert student_mails.write_reminders(engine) == 2
    assert student_mails.write_reminders(engine) == 0
    ends_in(fresh_database, 31)
    assert student_mails.write_reminders(engine) == 0
    ends_in(fresh_database, 7)
    # The one at thirty days was missed: it is not made up for beside the one that is due.
    assert student_mails.write_reminders(engine) == 2
    ends_in(fresh_database, 0)
    assert student_mails.write_reminders(engine) == 0
    tom = [body for recipient, _, body in mails(engine) if recipient == "tom@example.org"]
    assert "Équipement professionnel : 100,00" in tom[0]
    assert "Livres scolaires : 40,00" in tom[0]
    assert "Encore 7\u00a0jours" in tom[1]


def test_nothing_left_stopped_or_gone_means_no_reminder(
    engine: Engine, scheme: Scheme, fresh_database: Database
) -> None:
    ends_in(fresh_database, 60)
    with engine.begin() as conn:
        scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 3000), (OTHER_BOOK, 2500)]))
        conn.execute(text("update offer set real_cost = 9000"))
        scheme.till.sell(conn, (scheme.cards[0], [(BOOK, 1500)]))
        students.withdraw(conn, scheme.student_ids[1], 2026, actor=ACTOR)
    assert student_mails.write_reminders(engine) == 0


def test_the_link_of_a_reminder_stops_the_next_ones(engine: Engine, scheme: Scheme, fresh_database: Database) -> None:
    ends_in(fresh_database, 60)
    student_mails.write_reminders(engine)
    with engine.begin() as conn:
        token = conn.execute(
            text("select token from reminder_choice where student_id = :s"), {"s": scheme.student_ids[0]}
        ).scalar_one()
        assert str(token) in mails(engine)[0][2]
        assert student_notices.stop_reminders(conn, token)
        assert not student_notices.stop_reminders(conn, uuid4())
        assert not student_notices.wants_reminders(conn, scheme.student_ids[0])
    ends_in(fresh_database, 7)
    assert student_mails.write_reminders(engine) == 1
    with engine.begin() as conn:
        student_notices.choose_reminders(conn, scheme.student_ids[0], wanted=True)
    assert student_mails.write_reminders(engine) == 1


def test_who_cannot_be_reached_is_listed_for_the_school(
    engine: Engine, scheme: Scheme, fresh_database: Database
) -> None:
    ends_in(fresh_database, 60)
    student_mails.write_reminders(engine)
    with engine.begin() as conn:
        outbox.note_refused(conn, conn.scalar(text("select min(id) from mail_outbox")), "550 no such user")
        listed = student_notices.unreachable(conn, 2026)
    assert [(one.first_name, one.email) for one in listed] == [("Léa", "lea@example.org"), ("Zoé", None)]


def test_purchases_on_two_benefits_are_two_entries_of_the_history(engine: Engine, scheme: Scheme) -> None:
    with engine.begin() as conn:
        scheme.till.sell(conn, (scheme.cards[1], [(BOOK, 1000), (HELMET, 6000)]))
        told = student_history.operations(conn, scheme.student_ids[1])
        page = student_history.operations(conn, scheme.student_ids[1], before=told[1].number)
    assert {(one.label, one.amount, one.balance_after) for one in told if one.kind == "sale"} == {
        ("Livres scolaires", -1000, 3000),
        ("Équipement professionnel", -6000, 4000),
    }
    assert page == told[2:]


@pytest.mark.parametrize(("days_left", "mark"), [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0, 7)])
def test_the_latest_reminder_whose_day_has_come_is_due(days_left: int, mark: int | None) -> None:
    assert student_mails.due_mark((60, 30, 7), days_left) == mark
