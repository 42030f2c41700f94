"""What is printed and written about a run: advices for partners, the summary and the payment list for the accountant.

Everything is drawn from the frozen run whenever it is asked for, and comes out the same each time.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from batch import left_out_letters, settings
from batch.documents.models import (
    AdviceLine,
    Assistance,
    Payee,
    PaymentFile,
    PayoutRunSummary,
    RemittanceAdvice,
    RunPayment,
    RunRemainder,
    Seal,
    Signature,
)
from batch.documents.remittance_advice import harmless
from batch.french import counted, day_in_words, euros, moment
from batch.letters import Letter, post
from batch.sepa.pain001 import decimal_euros
from ledger import audit
from ledger.calendar import paris_midnight
from ledger.identifiers import mask_iban
from ledger.payouts import details, runs
from ledger.payouts.details import PaidTransfer
from ledger.payouts.runs import PAYMENT_STATE_WORDS, STATE_WORDS, Payment, Run, State, Step
from ledger.rights import ROLE_NAMES, Role

_SEAL = text("select number, hash, sealed_at from seal where number = :number")
_ACTS: dict[State, str] = {
    "generated": "Fichier produit par",
    "transmitted": "Transmis par",
    "refused": "Refusé par",
}


def _seal(conn: Connection, run: Run) -> Seal | None:
    if run.seal_number is None:
        return None
    row = conn.execute(_SEAL, {"number": run.seal_number}).one()
    return Seal(row.number, row.hash.hex(), row.sealed_at)


def _assistance() -> Assistance:
    return Assistance(settings.ASSISTANCE_EMAIL.value, settings.ASSISTANCE_PHONE.value, settings.ASSISTANCE_HOURS.value)


# -- for the partner -----------------------------------------------------------------------------------------------


def advice(conn: Connection, run: Run, payment: Payment) -> RemittanceAdvice:
    """Every cent of one payment whose file is made."""
    if run.file is None:
        raise ValueError(f"run {run.reference} has no file, so its payments have no reference yet")
    week_began = paris_midnight(run.first_day)
    return RemittanceAdvice(
        run=run.reference,
        payer=run.payer.name,
        payee=Payee(payment.partner_name, payment.town, payment.uai, payment.siret, mask_iban(payment.frozen.iban)),
        first_day=run.first_day,
        last_day=run.last_day,
        out_of_turn=run.out_of_turn,
        lines=tuple(_line(one, week_began) for one in details.transfers(conn, payment.id)),
        transfer_cents=payment.frozen.amount,
        carried_forward_cents=0,
        end_to_end_id=payment.end_to_end_id,
        execution_date=run.file.execution_date,
        seal=_seal(conn, run),
        issued_at=run.file.created_at,
        assistance=_assistance(),
    )


def _line(one: PaidTransfer, week_began: datetime) -> AdviceLine:
    """A movement of an earlier week, and money that came back, are carried over; the others belong to the week."""
    if one.kind == "payout_reopened":
        kind, title = "carry_over", f"Virement {one.replaces} rejeté ou retourné"
    elif one.kind == "write_off":
        kind, title = "carry_over", "Régularisation"
    else:
        kind, title = ("carry_over" if one.posted_at < week_began else one.kind), one.title or ""
    first_name, initial = one.first_name or "", (one.last_name or "")[:1]
    return AdviceLine(
        kind=kind,  # type: ignore[arg-type]
        at=one.posted_at,
        reference=f"{one.sale_id}-{one.sale_line}" if one.sale_id else "",
        student=f"{first_name} {initial}." if initial else first_name,
        title=title,
        benefit=one.benefit or "",
        amount_cents=one.amount,
        ean=f"{one.ean:013}" if one.ean else "",
    )


def mail_advices(engine: Engine, run_id: int) -> int:
    """Tell each partner of a run, by mail and once, what is on its way, or why nothing is; how many mails that made.

    The mails bear no link: a letter about money that asks one to click is what a fraud looks like.
    """
    with engine.begin() as conn:
        run = runs.get(conn, run_id)
        return left_out_letters.mail_left_out(conn, run) + sum(
            post(
                conn,
                _letter(run, payment),
                recipient=payment.partner_email,
                purpose="remittance_advice",
                dedup_key=f"remittance_advice:{payment.end_to_end_id}",
            )
            for payment in runs.payments(conn, run_id)
            if payment.end_to_end_id is not None and payment.state != "rejected"
        )


_NOT_ALL_TOLD = text(f"""
    select r.id from payout_run r
     where r.state in ('transmitted', 'booked', 'partial', 'reconciled', 'empty') and r.prepared_at >= :since
       and (exists (select from payout_payment p
                     where p.run_id = r.id and p.state <> 'rejected'
                       and not exists (select from mail_outbox m
                                        where m.dedup_key = 'remittance_advice:' || p.end_to_end_id))
            or exists (select from payout_held h
                        where h.run_id = r.id and {left_out_letters.CHANGED}
                          and not exists (select from mail_outbox m
                                           where m.dedup_key = 'left_out:' || r.reference || ':' || h.partner_id)))
     order by r.id
""")  # noqa: S608


def runs_not_all_told(conn: Connection, since: datetime) -> list[int]:
    """The runs prepared since an instant, at the bank or empty, some of whose partners were not written to."""
    return list(conn.execute(_NOT_ALL_TOLD, {"since": since}).scalars())


def _letter(run: Run, payment: Payment) -> Letter:
    amount = euros(payment.frozen.amount)
    day = day_in_words(run.file.execution_date) if run.file else ""
    return Letter(
        subject=f"Votre virement Atouts Normandie de {amount}",
        paragraphs=(
            f"La Région a remis à sa banque un virement de {amount} pour {payment.partner_name}.{_out_of_turn(run)}",
            "L’avis de virement, qui explique chaque centime, vous attend dans votre espace partenaire, rubrique "
            "Versements, en PDF et en tableau.",
        ),
        facts=(
            ("Référence sur votre relevé", payment.end_to_end_id or ""),
            ("Compte crédité", mask_iban(payment.frozen.iban)),
            ("Date d’exécution demandée", day),
            ("Mouvements payés", counted(payment.frozen.transfers, "mouvement")),
        ),
        after=("Si ce compte n’est plus le vôtre, appelez-nous sans attendre.",),
    )


def _out_of_turn(run: Run) -> str:
    """What the reader is told of a run that comes beside the one of the week, else nothing."""
    if run.out_of_turn is None:
        return ""
    return (
        f" C’est un versement exceptionnel : il paie ce qui était dû au {moment(run.out_of_turn)}, et que le "
        "versement de la semaine ne comprendra plus."
    )


# -- for the accountant --------------------------------------------------------------------------------------------


def summary(conn: Connection, run: Run) -> PayoutRunSummary:
    """The run as one document: what was owed, paid, carried and held, and who signed."""
    file = PaymentFile(run.file.name, run.file.size, run.file.sha256.hex()) if run.file else None
    remainders = [
        (
            one.frozen.reason.carried,
            RunRemainder(one.partner_name, one.siret, one.frozen.amount, one.frozen.reason.words),
        )
        for one in runs.held(conn, run.id)
    ]
    steps = runs.steps(conn, run.id)
    return PayoutRunSummary(
        run=run.reference,
        payer=run.payer.name,
        first_day=run.first_day,
        last_day=run.last_day,
        out_of_turn=run.out_of_turn,
        state=STATE_WORDS[run.state],
        message_id=run.file.message_id if run.file else "",
        debtor_iban_masked=mask_iban(run.payer.iban),
        execution_date=run.file.execution_date if run.file else run.last_day,
        payments=tuple(map(_run_payment, runs.payments(conn, run.id))),
        carried=tuple(remainder for carried, remainder in remainders if carried),
        held=tuple(remainder for carried, remainder in remainders if not carried),
        owed_cents=run.owed,
        content_sha256=run.content_hash.hex(),
        signatures=tuple(_signatures(conn, run, steps)),
        file=file,
        seal=_seal(conn, run),
        issued_at=steps[-1].at,
    )


def _run_payment(payment: Payment) -> RunPayment:
    frozen = payment.frozen
    return RunPayment(
        end_to_end_id=payment.end_to_end_id or "",
        payee=frozen.name,
        siret=payment.siret,
        iban_masked=mask_iban(frozen.iban),
        amount_cents=frozen.amount,
        flags=tuple(flag.words for flag in frozen.flags),
    )


def _signatures(conn: Connection, run: Run, steps: list[Step]) -> Iterator[Signature]:
    prepared, *later = steps
    yield Signature("Préparé par", runs.called(conn, prepared.actor), "", prepared.at)
    for approval in runs.approvals(conn, run.id):
        yield Signature("Approuvé par", approval.name, ROLE_NAMES[Role.PAYMENT_APPROVER], approval.at)
    for step in later:
        if step.state in _ACTS:
            yield Signature(_ACTS[step.state], runs.called(conn, step.actor), "", step.at)


PAYMENT_LIST_COLUMNS = (
    "campagne", "ligne", "reference", "beneficiaire", "siren", "siret", "uai", "iban", "bic", "montant", "etat",
)  # fmt: skip


def payment_list_csv(conn: Connection, run: Run, *, actor: str) -> bytes:
    """The payments of a run for a public accountant: UTF-8 with its mark, `;`, amounts '12,50', IBANs whole.

    It stands beside the bank's file, to be compared with it or to pay from, so masked accounts would be of no use: that
    `actor` took it is noted instead. Commit before handing it out.
    """
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow(PAYMENT_LIST_COLUMNS)
    for payment in runs.payments(conn, run.id):
        frozen = payment.frozen
        writer.writerow(
            [
                run.reference,
                frozen.line,
                payment.end_to_end_id or "",
                harmless(frozen.name),
                frozen.siren,
                payment.siret,
                payment.uai,
                frozen.iban,
                frozen.bic or "",
                decimal_euros(frozen.amount).replace(".", ","),
                PAYMENT_STATE_WORDS[payment.state],
            ]
        )
    subject = f"payout_run:{run.reference}"
    audit.record(conn, actor=actor, action="payout.list_exported", subject=subject, details={"payments": run.payments})
    return file.getvalue().encode("utf-8-sig")
