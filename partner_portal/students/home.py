"""What a student has: each benefit, until when, and what happened to it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask import Blueprint, render_template, request

from batch.student_letters import last_day
from ledger import student_history, where_to_use
from ledger.calendar import paris_date
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
    """A wallet as the page tells it; amounts in cents."""

    wallet: Wallet
    last_day: date
    days_left: int

    @property
    def used(self) -> int:
        """What was spent, or lapsed."""
        return self.wallet.granted - self.wallet.balance

    @property
    def tone(self) -> str:
        """How loudly the deadline is told: "calm", "soon", "now", or "over"."""
        if self.days_left < 0:
            return "over"
        if not self.wallet.available or self.days_left > SOON:
            return "calm"
        return "soon" if self.days_left > VERY_SOON else "now"


def purse_of(wallet: Wallet, today: date) -> Purse:
    """A wallet seen on the day `today` of Paris."""
    last = last_day(wallet.usable_until)
    return Purse(wallet, last, (last - today).days)


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
    with portal().engine.connect() as conn:
        who = known(profile(conn, student_id))
        wallets = wallets_of(conn, student_id)
        latest = student_history.operations(conn, student_id, limit=SHOWN_AT_HOME + 1)
        nearby = where_to_use.count_in_town(conn, who.town) if who.town else 0
    today = paris_date(datetime.now(UTC))
    return render_template(
        "students/home.html",
        who=who,
        purses=[purse_of(wallet, today) for wallet in wallets],
        total=sum(wallet.available for wallet in wallets if wallet.usable_until > datetime.now(UTC)),
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
    with portal().engine.connect() as conn:
        found = student_history.operations(conn, own_id(), before=before, limit=PER_PAGE + 1)
    older = found[PER_PAGE - 1].number if len(found) > PER_PAGE else None
    return render_template("students/operations.html", operations=found[:PER_PAGE], before=before, older=older)
