"""First chapters: the Region's students, their benefits, and the schools that become partners."""

import csv
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from batch.french import counted, euros, whole_number
from batch.roster import check_roster, roster_rows
from batch.roster_file import UnreadableRoster
from ledger import benefits, cards, catalogue, database, partners, students
from ledger.calendar import school_year_name
from ledger.identifiers import InvalidIdentifier, parse_iban
from partner_portal.commands.partners import STATUS_NAMES
from partner_portal.demo import people
from partner_portal.demo.region import SignUp, write_roster
from partner_portal.demo.story import ACTOR, Story


def import_the_region(story: Story) -> None:
    """Write the Region's files, import them as an operator would, and grant the year's benefits."""
    stage = story.stage
    stage.chapter(f"La Région importe ses élèves et attribue les avantages {school_year_name(story.year)}")
    schools, roster = story.folder / "etablissements.csv", story.folder / "eleves.csv"
    with schools.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["uai", "nom", "commune"])
        writer.writerows([school.uai, school.name, school.town] for school in story.region.schools)
    written = write_roster(story.region, roster)
    stage.say(f"Fichiers : {schools.name} et {roster.name}, {counted(written, 'ligne')}.")
    with database.long_transaction(story.engine) as conn:
        students.import_schools(conn, story.region.schools)
        benefits.open_school_year(conn, story.year, last_day=story.last_day, actor=ACTOR)
        with stage.work("Contrôle du fichier des élèves", written) as work:
            report = check_roster(roster, school_year=story.year, progress=lambda lines, _: work.reach(lines, written))
        with stage.work("Import des élèves", written) as work:
            rows = roster_rows(roster, report, progress=lambda lines, _: work.reach(lines, written))
            imported = students.import_roster(conn, rows, actor=ACTOR)
        granted = benefits.grant(conn, story.year, actor=ACTOR)
        issued = cards.issue_missing_cards(conn, story.keys, school_year=story.year)
    for sentence in report.sentences():
        stage.say(sentence)
    stage.say(f"{counted(imported.new_students, 'nouvelle inscription')}, {counted(issued, 'carte')} émises.")
    stage.table(
        "Avantages attribués, chacun par une écriture en partie double",
        ("Avantage", "Élèves:", "Nouveaux:", "Montant:"),
        [(one.label, whole_number(one.wallets), whole_number(one.opened), euros(one.amount)) for one in granted],
    )
    _show_a_refused_roster(story, roster)


def _show_a_refused_roster(story: Story, roster: Path) -> None:
    """The same file with two lines spoilt: it is refused as a whole, and the report names the lines."""
    spoilt = story.folder / "eleves-fautif.csv"
    with roster.open(encoding="utf-8-sig") as file:
        lines = [next(file) for _ in range(4)]
    cells = lines[2].split(";")
    cells[6] = "astronaute"
    lines[2] = ";".join(cells)
    spoilt.write_text("".join(lines[:3]) + lines[3].replace(";", "", 1), encoding="utf-8-sig")
    try:
        report = check_roster(spoilt, school_year=story.year)
    except UnreadableRoster as error:
        story.stage.say(str(error))
        return
    story.stage.say("Un fichier fautif est refusé en entier :")
    for sentence in report.sentences():
        story.stage.say(f"  {sentence}")


def sign_up_partners(story: Story) -> None:
    """Schools apply; the Region validates all but two."""
    stage = story.stage
    stage.chapter("Des établissements deviennent partenaires")
    sign_ups = story.region.sign_ups[:40]
    with story.engine.begin() as conn:
        known = {partner.siret: partner for partner in partners.all_partners(conn)}
        for number, sign_up in enumerate(sign_ups):
            there = known.get(sign_up.siret)
            partner_id = there.partner_id if there else partners.apply(conn, _application(sign_up), actor=ACTOR)
            if there is None:
                _open_catalogue(story, conn, partner_id, sign_up)
            waiting = len(sign_ups) > 2 and number == len(sign_ups) - 1
            refused = len(sign_ups) > 3 and number == len(sign_ups) - 2
            if waiting:
                story.waiting_partner_id = partner_id
            elif refused:
                if there is None:
                    partners.refuse(conn, partner_id, reason="Le RIB n’est pas au nom de l’établissement.", actor=ACTOR)
            else:
                if there is None:
                    partners.validate(conn, partner_id, actor="job:demo-officer")
                story.partner_ids.append(partner_id)
        story.cast = people.enter(conn, story.partner_ids[0])
        listed = partners.all_partners(conn)
    stage.table(
        "Partenaires (SIRET, UAI et IBAN contrôlés, clé RIB comprise)",
        ("UAI", "Établissement", "Commune", "Compte", "État"),
        [(one.uai, one.name, one.town, one.masked_iban, STATUS_NAMES[one.status]) for one in listed[:8]],
    )
    wrong = sign_ups[0].iban[:-1] + str((int(sign_ups[0].iban[-1]) + 1) % 10)
    try:
        parse_iban(wrong)
    except InvalidIdentifier as error:
        stage.say(f"Un IBAN faux d’un chiffre est refusé : {error}")


def _application(sign_up: SignUp) -> partners.Application:
    return partners.Application(
        siret=sign_up.siret,
        uai=sign_up.uai,
        name=sign_up.name,
        town=sign_up.town,
        representative=sign_up.representative,
        email=sign_up.email,
        phone=sign_up.phone,
        iban=sign_up.iban,
        account_holder=sign_up.account_holder,
        accepts=sign_up.accepts,
    )


def _open_catalogue(story: Story, conn: Connection, partner_id: int, sign_up: SignUp) -> None:
    catalogue.offer(
        conn,
        partner_id,
        [
            catalogue.Offer(
                one.ean,
                one.title,
                one.publisher,
                one.benefit,
                one.real_cost_cents,
                supplier="Librairie du Bocage",
                invoice_number=f"F{story.year}-{partner_id:04}",
                invoice_date=datetime.now(UTC).date(),
            )
            for one in story.region.catalogue
            if one.benefit in sign_up.accepts or one.benefit == "equipment"
        ],
        actor=ACTOR,
    )
