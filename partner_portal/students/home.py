"""What a student has: each benefit, until when, and what happened to it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask import Blueprint, render_template, request
from sqlalchemy import Connection

from ledger import student_history, where_to_use
from ledger.calendar import last_day_before, paris_date
from ledger.student_record import Profile, profile
from ledger.wallets import Wallet, wallets_of
from partner_portal.auth.gate import requires
from partner_portal.auth.principals import current_principal
from partner_portal.portal import portal
from partner_portal.problems import Problem

blueprint = Blueprint("students_home", __name__, url_prefix="/eleve")

SHOWN_AT_HOME = 5
PER_PAGE = 20
SOON, VERY_SOON = 30, 7
"""Days left from which the deadline is told louder, and loudest."""


@dataclass(frozen=True)
class Purse:
    """A wallet as the page tells it; amounts in cents. `lapsed` is what the year end has taken from it."""

    wallet: Wallet
    last_day: date
    days_left: int
    is_over: bool
    lapsed: int

    @property
    def used(self) -> int:
        """What was spent."""
        return self.wallet.granted - self.wallet.balance - self.lapsed

    @property
    def lost(self) -> int:
        """What can no longer be spent, whether the year end has taken it already or not."""
        return self.wallet.available + self.lapsed if self.is_over else 0

    @property
    def usable(self) -> int:
        """What can be spent now."""
        return 0 if self.is_over else self.wallet.available

    @property
    def tone(self) -> str:
        """How loudly the deadline is told: "spent" if it does not matter, "calm", "soon", "now", or "over"."""
        if self.is_over:
            return "over"
        if not self.wallet.balance:
            return "spent"
        if not self.wallet.available or self.days_left > SOON:
            return "calm"
        return "soon" if self.days_left > VERY_SOON else "now"


def purses_of(conn: Connection, student_id: int, now: datetime) -> list[Purse]:
    """A student's wallets as they are at `now`."""
    wallets, today = wallets_of(conn, student_id), paris_date(now)
    over = {wallet.account for wallet in wallets if wallet.usable_until <= now}
    lapsed = student_history.lapsed(conn, over) if over else {}
    purses = []
    for wallet in wallets:
        last, account = last_day_before(wallet.usable_until), wallet.account
        purses.append(Purse(wallet, last, (last - today).days, account in over, lapsed.get(account, 0)))
    return purses


def own_id() -> int:
    """The student who asks; only for views whose right is given to students alone."""
    student_id = current_principal().id
    if student_id is None:
        raise Problem("unauthenticated")
    return student_id


def known(found: Profile | None) -> Profile:
    """The profile of who asks. Raises `Problem` once a student has been erased while still signed in."""
    if found is None:
        raise Problem("gone", "Les données de cet élève ont été effacées.")
    return found


@blueprint.get("/")
@requires("wallet.read")
def index() -> str:
    """What is left, and until when."""
    student_id = own_id()
    with portal().reading() as conn:
        who = known(profile(conn, student_id))
        purses = purses_of(conn, student_id, datetime.now(UTC))
        latest = student_history.operations(conn, student_id, limit=SHOWN_AT_HOME + 1)
        nearby = where_to_use.count_in_town(conn, who.town) if who.town else 0
    # In summer the latest enrolment may be next year's already.
    is_enrolled = all(purse.wallet.school_year <= (who.school_year or 0) for purse in purses)
    return render_template(
        "students/home.html",
        who=who,
        is_enrolled=is_enrolled,
        purses=purses,
        total=sum(purse.usable for purse in purses) if is_enrolled else 0,
        operations=latest[:SHOWN_AT_HOME],
        has_more=len(latest) > SHOWN_AT_HOME,
        nearby=nearby,
    )


@blueprint.get("/operations")
@requires("wallet.read")
def operations() -> str:
    """Everything that happened, page by page."""
    before = request.args.get("avant", type=int)
    if before is not None and not 0 < before < 2**63:
        raise Problem("not_found")
    with portal().reading() as conn:
        found = student_history.operations(conn, own_id(), before=before, limit=PER_PAGE + 1)
    older = found[PER_PAGE - 1].number if len(found) > PER_PAGE else None
    return render_template("students/operations.html", operations=found[:PER_PAGE], before=before, older=older)
