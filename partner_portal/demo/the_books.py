"""Last chapter: the books are read, and proved from the transfers alone."""

from datetime import UTC, datetime

from sqlalchemy import text

from batch.french import counted, euros, moment, whole_number
from ledger import books_check, seals, statements, wallets
from ledger.accounts import partner_account
from ledger.calendar import school_year_bounds
from ledger.chart import KIND_LABELS
from ledger.data_folder import Unusable
from partner_portal.demo.story import Story
from partner_portal.formats import clock_fr, date_short_fr

_A_STUDENT_WHO_BOUGHT = """
    select a.owner_id from account a
     where a.id = (select debit_account from transfer where kind = 'sale' order by id limit 1)
"""


def show_the_books(story: Story) -> None:
    """The trial balance, a partner's statement, a student's wallets, and the proof of all of it."""
    stage = story.stage
    stage.chapter("Les livres")
    with story.engine.begin() as conn:
        trial = statements.trial_balance(conn)
        start, end = school_year_bounds(story.year)
        statement = statements.statement(conn, partner_account(story.partner_ids[0]), start, end)
        student = conn.execute(text(_A_STUDENT_WHO_BOUGHT)).scalar_one()
        left = wallets.wallets_of(conn, student)
    total = sum(line.balance for line in trial)
    stage.table(
        f"Balance générale : solde {euros(total)}",
        ("Compte", "Débit:", "Crédit:", "Solde:"),
        [
            (line.heading.label, euros(line.debits), euros(line.credits), euros(line.balance))
            for line in trial
            if line.debits or line.credits
        ],
    )
    stage.table(
        "Relevé du premier partenaire (dernières écritures)",
        ("Date", "Nature", "Pièce:", "Montant:", "Solde:"),
        [
            (
                f"{date_short_fr(line.posted_at)}, {clock_fr(line.posted_at)}",
                KIND_LABELS[line.kind],
                f"{line.document}/{line.line}",
                euros(line.amount),
                euros(line.balance),
            )
            for line in statement.lines[-8:]
        ],
    )
    stage.table(
        f"Avantages de l’élève {student}",
        ("Avantage", "Attribué:", "Reste:"),
        [(wallet.label, euros(wallet.granted), euros(wallet.available)) for wallet in left],
    )
    with story.engine.begin() as conn:
        seal = seals.seal(conn) or seals.latest(conn)
    if seal:
        stage.say(f"Scellé n° {seal.number} : {counted(seal.transfers, 'écriture')}, {seal.hash.hex()[:32]}…")
    with story.engine.begin() as conn:
        differences = list(books_check.check(conn))
        transfers = conn.execute(text("select count(*) from transfer")).scalar_one()
    if total or differences:
        raise Unusable(f"The books do not agree: {differences or total}")
    stage.say(
        f"Contrôle des livres le {moment(datetime.now(UTC))} : {whole_number(transfers)} écritures recalculées, "
        "aucune différence."
    )
