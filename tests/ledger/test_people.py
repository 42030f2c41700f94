"""Portal users in the database: what it promises about them whoever writes."""

import datetime

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ledger import people
from ledger.rights import GRANTABLE_ROLES, Role

SOON = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)


@pytest.fixture
def camille(conn: Connection) -> int:
    return people.create(conn, email="Camille@lycee.fr", name="Camille", by="tests")


def test_an_address_is_one_person_in_whatever_case(conn: Connection, camille: int) -> None:
    with pytest.raises(people.EmailTakenError):
        people.create(conn, email=" camille@LYCEE.fr ", name="Another", by="tests")
    found = people.by_email(conn, "CAMILLE@lycee.FR")
    assert found
    assert (found.id, found.status, found.grants) == (camille, "invited", ())


@pytest.mark.parametrize("email", ["", "nobody", "a b@c.fr", "a@b\nBcc: x@y.fr", "x" * 250 + "@b.fr"])
def test_what_is_no_address_is_refused_by_the_database(conn: Connection, email: str) -> None:
    with pytest.raises(DBAPIError):
        people.create(conn, email=email, name="X", by="tests")


def test_the_roles_of_the_code_are_those_of_the_schema(conn: Connection) -> None:
    listed = set(conn.execute(text("select unnest(enum_range(null::portal_role))::text")).scalars())
    assert listed == {role.value for role in GRANTABLE_ROLES}


def test_a_role_is_given_once_and_taken_once_with_a_line_in_the_audit_trail(conn: Connection, camille: int) -> None:
    assert people.grant(conn, camille, Role.AUDITOR, by="person:1")
    assert not people.grant(conn, camille, Role.AUDITOR, by="person:1")
    assert people.revoke(conn, camille, Role.AUDITOR, by="person:1")
    assert not people.revoke(conn, camille, Role.AUDITOR, by="person:1")
    trail = conn.execute(
        text("select action from audit_event where actor = 'person:1' and subject = :who order by id"),
        {"who": f"person:{camille}"},
    )
    assert list(trail.scalars()) == ["person.role_granted", "person.role_revoked"]


@pytest.mark.parametrize(
    ("role", "partner_id"), [(Role.PARTNER_MANAGER, None), (Role.AUDITOR, 1), (Role.STUDENT, None), (Role.ANYONE, None)]
)
def test_a_role_goes_with_a_school_or_not_and_some_are_nobodys_to_give(
    conn: Connection, camille: int, role: Role, partner_id: int | None
) -> None:
    with pytest.raises(ValueError, match="cannot be granted"):
        people.grant(conn, camille, role, partner_id=partner_id, by="tests")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into role_grant (person_id, role, granted_by) values (:id, 'partner_cashier', 'x')",
        "insert into role_grant (person_id, role, partner_id, granted_by) values (:id, 'auditor', 1, 'x')",
        "update person set password_hash = 'plain text' where id = :id",
        "update person set status = 'king' where id = :id",
        "update person set totp_confirmed_at = now() where id = :id",
        "delete from person where id = :id",
        "delete from mail_link",
        "update audit_event set actor = 'x'",
    ],
)
def test_the_database_refuses_by_itself(conn: Connection, camille: int, statement: str) -> None:
    with pytest.raises(DBAPIError):
        conn.execute(text(statement), {"id": camille})


def test_a_code_is_taken_once_and_never_an_older_one(conn: Connection, camille: int) -> None:
    taken = [people.take_totp_step(conn, camille, step) for step in (100, 100, 99, 101)]
    assert taken == [True, False, False, True]


def test_recovery_codes_are_taken_once_and_replaced_whole(conn: Connection, camille: int) -> None:
    people.replace_recovery_codes(conn, camille, [b"a" * 32, b"b" * 32], by="tests")
    assert people.take_recovery_code(conn, camille, b"a" * 32)
    assert not people.take_recovery_code(conn, camille, b"a" * 32)
    assert people.recovery_codes_left(conn, camille) == 1
    people.replace_recovery_codes(conn, camille, [b"c" * 32], by="tests")
    assert not people.take_recovery_code(conn, camille, b"b" * 32)


def test_a_secret_under_way_is_kept_and_a_confirmed_one_is_not_replaced(conn: Connection, camille: int) -> None:
    people.begin_totp(conn, camille, "first")
    people.confirm_totp(conn, camille, [], by="tests")
    people.begin_totp(conn, camille, "second")
    found = people.get(conn, camille)
    assert found
    assert found.totp_secret == "first"


def test_a_link_opens_once_and_the_newest_only(conn: Connection, camille: int) -> None:
    people.add_link(conn, camille, "reset", b"1" * 32, SOON)
    people.add_link(conn, camille, "reset", b"2" * 32, SOON)
    people.add_link(conn, camille, "invitation", b"3" * 32, SOON)
    assert people.link_holder(conn, b"1" * 32) is None
    assert people.link_holder(conn, b"2" * 32) == (camille, "reset")
    assert people.use_link(conn, b"2" * 32) == (camille, "reset")
    assert people.use_link(conn, b"2" * 32) is None
    people.disable(conn, camille, by="tests")
    assert people.use_link(conn, b"3" * 32) is None


def test_a_link_for_nobody_is_not_kept(conn: Connection) -> None:
    people.add_link(conn, None, "reset", b"1" * 32, SOON)
    assert conn.execute(text("select count(*) from mail_link")).scalar_one() == 0


def test_a_person_who_is_enabled_again_is_invited_or_active_as_before(conn: Connection, camille: int) -> None:
    for hashed, status in ((None, "invited"), ("$argon2id$v=19$x", "active")):
        if hashed:
            people.set_password(conn, camille, hashed, by="tests")
        people.disable(conn, camille, by="tests")
        people.enable(conn, camille, by="tests")
        found = people.get(conn, camille)
        assert found
        assert found.status == status
