"""What can be checked about an application before a person looks at it: its numbers, its bank account, its papers."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger import commitments, sign_up_documents, sign_ups
from ledger.identifiers import InvalidIdentifier, mask_iban, parse_iban, parse_siret, parse_uai
from ledger.partner_sheets import Sheet


class Verdict(StrEnum):
    """What came out of a check."""

    GOOD = "good"
    LOOK = "look"
    """A person has to compare something."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, and a French sentence about what was found."""

    title: str
    verdict: Verdict
    sentence: str


# Words that tell nothing about which school it is.
_COMMON_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        lycee lycees college ecole institution ensemble scolaire general technologique professionnel polyvalent agricole
        public prive mfr maison familiale rurale cfa ogec agent comptable association de du des la le les et
        """,
    )
)


def names_agree(one: str, other: str) -> bool:
    """Whether two names of a school share a word that is not common to all schools, accents and case aside."""
    return bool(_telling_words(one) & _telling_words(other))


def _telling_words(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    # Without accents, or the apostrophes that ASCII has no place for.
    return {word for word in re.findall(r"[a-z0-9]+", plain) if len(word) > 1} - _COMMON_WORDS


def check(conn: Connection, sheet: Sheet) -> list[Check]:
    """Every check of one partner, in the order in which an officer reads its file."""
    return [
        _siret(conn, sheet),
        _uai(sheet),
        _directory(conn, sheet),
        *_account(conn, sheet),
        *_sign_up(conn, sheet),
    ]


def _siret(conn: Connection, sheet: Sheet) -> Check:
    try:
        parse_siret(sheet.siret)
    except InvalidIdentifier as error:
        return Check("SIRET", Verdict.BAD, error.reason)
    same = list(
        conn.scalars(
            text("select name from partner where left(siret, 9) = :siren and id <> :partner order by id limit 5"),
            {"siren": sheet.siret[:9], "partner": sheet.partner_id},
        )
    )
    if same:
        return Check("SIRET", Verdict.LOOK, f"Clé juste. Même SIREN que : {', '.join(same)}.")
    return Check("SIRET", Verdict.GOOD, "Clé juste, aucun autre partenaire de ce SIREN.")


def _uai(sheet: Sheet) -> Check:
    try:
        parse_uai(sheet.uai)
    except InvalidIdentifier as error:
        return Check("Code UAI", Verdict.BAD, error.reason)
    return Check("Code UAI", Verdict.GOOD, "Lettre de contrôle juste, aucun autre partenaire de ce code.")


def _directory(conn: Connection, sheet: Sheet) -> Check:
    title = "Annuaire des établissements"
    found = conn.execute(text("select name, town from school where uai = :uai"), {"uai": sheet.uai}).one_or_none()
    if found is None:
        return Check(title, Verdict.LOOK, "Ce code UAI n’est dans aucune liste d’élèves importée.")
    told = f"L’annuaire dit : {found.name}, {found.town}."
    return Check(title, Verdict.GOOD if names_agree(found.name, sheet.name) else Verdict.LOOK, told)


def _account(conn: Connection, sheet: Sheet) -> list[Check]:
    account = conn.execute(
        text("""
            select id, iban, holder from partner_bank_account
             where partner_id = :partner and ended_at is null order by accepted_at nulls last, id desc limit 1
        """),
        {"partner": sheet.partner_id},
    ).one_or_none()
    if account is None:
        return [Check("Compte bancaire", Verdict.BAD, "Aucun compte n’est donné.")]
    return [_bank(account.iban), _holder(account, sheet), _shared(conn, account.iban, sheet)]


def _bank(written: str) -> Check:
    try:
        iban = parse_iban(written)
    except InvalidIdentifier as error:
        return Check("IBAN", Verdict.BAD, error.reason)
    where = f"{iban.bank_name or 'banque inconnue de nos registres'}{f', BIC {iban.bic}' if iban.bic else ''}"
    if iban.foreign:
        return Check("IBAN", Verdict.LOOK, f"Clés justes. Compte tenu hors de France ({iban.country}) : {where}.")
    return Check("IBAN", Verdict.GOOD if iban.bank_name else Verdict.LOOK, f"Clés justes : {where}.")


def _holder(account: Row[Any], sheet: Sheet) -> Check:
    if names_agree(account.holder, sheet.name):
        return Check("Titulaire du compte", Verdict.GOOD, f"{account.holder} : ressemble au nom de l’établissement.")
    return Check(
        "Titulaire du compte", Verdict.LOOK, f"{account.holder} : ne ressemble pas au nom. Comparez avec le RIB."
    )


def _shared(conn: Connection, iban: str, sheet: Sheet) -> Check:
    others = list(
        conn.scalars(
            text("""
                select distinct p.name from partner_bank_account a join partner p on p.id = a.partner_id
                 where a.iban = :iban and a.partner_id <> :partner order by p.name limit 5
            """),
            {"iban": iban, "partner": sheet.partner_id},
        )
    )
    if others:
        return Check("Compte en double", Verdict.BAD, f"{mask_iban(iban)} est aussi donné par : {', '.join(others)}.")
    return Check("Compte en double", Verdict.GOOD, "Aucun autre partenaire n’a donné ce compte.")


def _sign_up(conn: Connection, sheet: Sheet) -> list[Check]:
    sign_up = sign_ups.of_partner(conn, sheet.partner_id)
    if sign_up is None:
        return [Check("Dossier", Verdict.LOOK, "Saisi par la Région : ni pièces, ni engagements en ligne.")]
    papers = sign_up_documents.of(conn, sign_up.id)
    has_slip = any(paper.kind == "bank_slip" for paper in papers)
    versions = {one.version for one in commitments.accepted_by(conn, sheet.partner_id)}
    is_current = commitments.VERSION in versions
    return [
        Check(
            "Adresse électronique",
            Verdict.GOOD if sign_up.email_proved_at else Verdict.LOOK,
            f"{sign_up.email} : {'confirmée par un lien' if sign_up.email_proved_at else 'jamais confirmée'}.",
        ),
        Check(
            "RIB",
            Verdict.GOOD if has_slip else Verdict.BAD,
            "Fourni : comparez l’IBAN et le titulaire." if has_slip else "Aucun RIB n’est joint.",
        ),
        Check(
            "Engagements",
            Verdict.GOOD if is_current else Verdict.LOOK,
            f"Acceptés, version {max(versions)}." if versions else "Aucun engagement accepté.",
        ),
    ]
