"""The bank accounts of partners: one in force, changed by two people after a telephone call, and every one ever had.

Changing the account of somebody who is about to be paid is the classic fraud. So a change is asked by one person, the
partner is called on a number known before, another person accepts, nothing is paid to the new account before a
cool-off, and everybody who could be reached before is told at once, at each step. The database keeps these promises
(`bank_account_is_guarded` and `bank_account_call_is_to_a_known_number` in 0004_payouts.sql).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger import audit, promises
from ledger.identifiers import mask_iban, parse_iban

COOL_OFF_DAYS = 10


class AccountState(StrEnum):
    """Where an account stands."""

    PENDING = "pending"
    COOLING_OFF = "cooling_off"
    CURRENT = "current"
    BLOCKED = "blocked"
    ENDED = "ended"

    @property
    def words(self) -> str:
        """In French."""
        return _STATE_WORDS[self]


_STATE_WORDS = {
    AccountState.PENDING: "à valider",
    AccountState.COOLING_OFF: "validé, délai de sûreté en cours",
    AccountState.CURRENT: "en vigueur",
    AccountState.BLOCKED: "bloqué, à vérifier",
    AccountState.ENDED: "remplacé ou refusé",
}


class Event(StrEnum):
    """What a partner's contacts are told about."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class AccountRefused(Exception):
    """The change is not possible; the message is a French sentence, `rule` the name of the promise."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


_REFUSALS = {
    "one_pending_bank_account": "Un changement de compte est déjà à l’étude.",
    "two_people_change_an_iban": "Vous avez demandé ce changement : une autre personne doit le valider.",
    "a_change_needs_a_call": "Appelez d’abord le partenaire au numéro connu, et notez cet appel.",
    "call_a_known_number": "Ce numéro n’était pas connu avant la demande : appelez celui du dossier.",
    "bank_account_call_pkey": "Cet appel est déjà noté.",
}
_GONE = "account_is_pending", "La demande a changé entre-temps : elle n’attend plus de décision."


@dataclass(frozen=True, slots=True)
class Call:
    """The call by which a partner confirmed a change."""

    phone: str
    spoke_with: str
    called_by: str
    called_at: datetime


@dataclass(frozen=True, slots=True)
class PayeeCheck:
    """What the bank said of name and IBAN: "match", "close_match" (and the name it has), "no_match", "not_possible"."""

    result: str
    found_name: str | None
    checked_by: str
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class BankAccount:
    """One account of a partner, at any time of its life."""

    id: int
    partner_id: int
    iban: str
    bic: str | None
    holder: str
    state: AccountState
    asked_by: str
    asked_at: datetime
    accepted_by: str | None
    accepted_at: datetime | None
    usable_from: datetime | None
    ended_at: datetime | None
    blocked_reason: str | None
    call: Call | None
    check: PayeeCheck | None

    @property
    def masked(self) -> str:
        """For screens, logs and letters."""
        return mask_iban(self.iban)


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell the contacts that a partner had before: `recipients` are mail addresses."""

    event: Event
    partner_name: str
    account: BankAccount
    reason: str | None
    recipients: tuple[str, ...]


Tell = Callable[[Connection, Notice], None]
"""Writes the letters of a notice, in the transaction of what it tells (see `batch.account_letters`)."""


_ACCOUNTS = """
    select a.*, c.phone, c.spoke_with, c.called_by, c.called_at, k.result, k.found_name, k.checked_by, k.checked_at,
           b.reason as blocked_reason,
           case when a.ended_at is not null then 'ended' when a.accepted_at is null then 'pending'
                when b.id is not null then 'blocked' when a.usable_from > now() then 'cooling_off'
                else 'current' end as state
      from partner_bank_account a
      left join bank_account_call c on c.account_id = a.id
      left join bank_account_block b on b.account_id = a.id and b.lifted_at is null
      left join lateral (select * from bank_account_check k where k.account_id = a.id
                          order by k.id desc limit 1) k on true
"""


_CURRENT_IBAN = text("""
    select iban from partner_bank_account
     where partner_id = :partner and accepted_at is not null and ended_at is null
""")

# An address counts as long as it was in use within the last year.
_CONTACTS = text("""
    select email from partner_contact c
     where partner_id = :partner
       and coalesce((select min(n.since) from partner_contact n
                      where n.partner_id = c.partner_id and n.id > c.id), now()) >= now() - interval '1 year'
     union
    select p.email from person p join role_grant g on g.person_id = p.id
     where g.partner_id = :partner and g.role = 'partner_manager' and p.status <> 'disabled'
""")


def _account(row: Row[Any]) -> BankAccount:
    return BankAccount(
        id=row.id,
        partner_id=row.partner_id,
        iban=row.iban,
        bic=row.bic,
        holder=row.holder,
        state=AccountState(row.state),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        accepted_by=row.accepted_by,
        accepted_at=row.accepted_at,
        usable_from=row.usable_from,
        ended_at=row.ended_at,
        blocked_reason=row.blocked_reason,
        call=Call(row.phone, row.spoke_with, row.called_by, row.called_at) if row.phone is not None else None,
        check=PayeeCheck(row.result, row.found_name, row.checked_by, row.checked_at) if row.result else None,
    )


# -- reading -------------------------------------------------------------------------------------------------------


def history(conn: Connection, partner_id: int) -> list[BankAccount]:
    """Every account of a partner, the newest first."""
    wanted = text(_ACCOUNTS + " where a.partner_id = :partner order by a.id desc")
    return [_account(row) for row in conn.execute(wanted, {"partner": partner_id})]


def pending(conn: Connection) -> list[BankAccount]:
    """The changes that wait for a decision, the oldest first; first accounts are accepted with the partnership."""
    wanted = text(
        _ACCOUNTS
        + """ where a.accepted_at is null and a.ended_at is null
                and exists (select from partner_bank_account o
                             where o.partner_id = a.partner_id and o.accepted_at is not null)
              order by a.id"""
    )
    return [_account(row) for row in conn.execute(wanted)]


def get(conn: Connection, account_id: int) -> BankAccount:
    """The account with this number. Raises `LookupError`."""
    row = conn.execute(text(_ACCOUNTS + " where a.id = :id"), {"id": account_id}).one_or_none()
    if row is None:
        raise LookupError(f"there is no bank account {account_id}")
    return _account(row)


def known_phones(conn: Connection, partner_id: int) -> list[str]:
    """The telephone numbers a partner has had, the longest known first."""
    wanted = text("select phone from partner_contact where partner_id = :partner order by id")
    return list(dict.fromkeys(conn.execute(wanted, {"partner": partner_id}).scalars()))


# -- changing ------------------------------------------------------------------------------------------------------


def ask_change(conn: Connection, partner_id: int, *, iban: str, holder: str, actor: str, tell: Tell) -> BankAccount:
    """Ask for another account; it takes a call and another person to accept it.

    Raises `InvalidIdentifier` for an IBAN that fails a check, and `AccountRefused`.
    """
    parsed = parse_iban(iban)
    if conn.execute(_CURRENT_IBAN, {"partner": partner_id}).scalar_one_or_none() == parsed.text:
        raise AccountRefused("another_account", "Ce compte est déjà celui qui est en vigueur.")
    with promises.told(conn, _REFUSALS, AccountRefused):
        number = conn.execute(
            text("""
                insert into partner_bank_account (partner_id, iban, bic, holder, asked_by)
                values (:partner, :iban, :bic, :holder, :actor) returning id
            """),
            {"partner": partner_id, "iban": parsed.text, "bic": parsed.bic, "holder": holder.strip(), "actor": actor},
        ).scalar_one()
    return _told(conn, int(number), Event.ASKED, actor, tell)


def record_call(conn: Connection, account_id: int, *, phone: str, spoke_with: str, actor: str) -> None:
    """Note that the partner confirmed the change when called on a number known before. Raises `AccountRefused`."""
    with promises.told(conn, _REFUSALS, AccountRefused):
        conn.execute(
            text("""
                insert into bank_account_call (account_id, phone, spoke_with, called_by)
                values (:account, :phone, :spoke_with, :actor)
            """),
            {"account": account_id, "phone": phone, "spoke_with": spoke_with.strip(), "actor": actor},
        )
    _audit(conn, account_id, "call", actor, {"phone": phone, "spoke_with": spoke_with})


def record_check(conn: Connection, account_id: int, *, result: str, found_name: str | None = None, actor: str) -> None:
    """Note what the bank answered when it was asked whether this name holds this account."""
    conn.execute(
        text("""
            insert into bank_account_check (account_id, result, found_name, checked_by)
            values (:account, :result, :found, :actor)
        """),
        {"account": account_id, "result": result, "found": found_name, "actor": actor},
    )
    _audit(conn, account_id, "check", actor, {"result": result})


def accept_change(
    conn: Connection, account_id: int, *, actor: str, tell: Tell, cool_off_days: int = COOL_OFF_DAYS
) -> BankAccount:
    """Put an account in force in place of the one before; it is paid after the cool-off. Raises `AccountRefused`."""
    account = get(conn, account_id)
    with promises.told(conn, _REFUSALS, AccountRefused):
        conn.execute(
            text("""
                update partner_bank_account set ended_at = now()
                 where partner_id = :partner and accepted_at is not null and ended_at is null
            """),
            {"partner": account.partner_id},
        )
        accepted = conn.execute(
            text("""
                update partner_bank_account
                   set accepted_at = now(), accepted_by = :actor, usable_from = now() + make_interval(days => :days)
                 where id = :account and accepted_at is null and ended_at is null
            """),
            {"account": account_id, "actor": actor, "days": cool_off_days},
        )
        if accepted.rowcount == 0:
            raise AccountRefused(*_GONE)
    return _told(conn, account_id, Event.ACCEPTED, actor, tell)


def refuse_change(conn: Connection, account_id: int, *, reason: str, actor: str, tell: Tell) -> BankAccount:
    """Turn a change down; the account in force stays. Raises `AccountRefused`."""
    refused = conn.execute(
        text("""
            update partner_bank_account set ended_at = now()
             where id = :account and accepted_at is null and ended_at is null
        """),
        {"account": account_id},
    )
    if refused.rowcount == 0:
        raise AccountRefused(*_GONE)
    return _told(conn, account_id, Event.REFUSED, actor, tell, reason)


def block(conn: Connection, account_id: int, *, reason: str, actor: str) -> None:
    """Pay nothing to an account until somebody has looked at it; an account that is blocked already stays so."""
    done = conn.execute(
        text("""
            insert into bank_account_block (account_id, reason, blocked_by) values (:account, :reason, :actor)
            on conflict (account_id) where lifted_at is null do nothing
        """),
        {"account": account_id, "reason": reason, "actor": actor},
    )
    if done.rowcount:
        _audit(conn, account_id, "block", actor, {"reason": reason})


def unblock(conn: Connection, account_id: int, *, actor: str) -> None:
    """The account was looked at and may be paid again."""
    done = conn.execute(
        text("""
            update bank_account_block set lifted_at = now(), lifted_by = :actor
             where account_id = :account and lifted_at is null
        """),
        {"account": account_id, "actor": actor},
    )
    if done.rowcount:
        _audit(conn, account_id, "unblock", actor, {})


def _told(
    conn: Connection, account_id: int, event: Event, actor: str, tell: Tell, reason: str | None = None
) -> BankAccount:
    """Audit what happened to a change, and tell whoever could be reached within the last year."""
    account = get(conn, account_id)
    _audit(conn, account_id, event.value, actor, {"iban": account.masked, "reason": reason})
    partner = {"partner": account.partner_id}
    name = conn.execute(text("select name from partner where id = :partner"), partner).scalar_one()
    addresses = conn.execute(_CONTACTS, partner)
    recipients = tuple(sorted({address.lower() for address in addresses.scalars()}))
    tell(conn, Notice(event, name, account, reason, recipients))
    return account


def _audit(conn: Connection, account_id: int, what: str, actor: str, details: dict[str, object]) -> None:
    partner_id = conn.execute(
        text("select partner_id from partner_bank_account where id = :id"), {"id": account_id}
    ).scalar_one()
    audit.record(
        conn,
        actor=actor,
        action=f"bank_account.{what}",
        subject=f"partner:{partner_id}",
        details=details | {"account": account_id},
    )
