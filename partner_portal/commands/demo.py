"""`atouts demo`: one real week of the scheme, played with real processes."""

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import click

from batch.queue import redis_url
from ledger import database, student_access
from ledger.data_folder import data_folder
from partner_portal import settings
from partner_portal.demo import people
from partner_portal.demo.stage import Stage
from partner_portal.processes import Supervisor, free_to_bind

if TYPE_CHECKING:
    from partner_portal.demo.story import Story

# An account number nobody was given, at the bank of public accountants.
PAYER_IBAN = "FR7610071760000000100000018"


@click.command()
@click.option("--students", default=2000, show_default=True, type=click.IntRange(300, 3_000_000), help="How many.")
@click.option("--serve/--no-serve", default=True, help="Leave the portal open at the end, or end.")
@click.option("--bind", metavar="ADDRESS", help="Where the portal listens (else ATOUTS_BIND).")
@click.option("--code", "show_code", is_flag=True, help="Only show the six digits that the demo's people type now.")
def command(students: int, serve: bool, bind: str | None, show_code: bool) -> None:
    """Play one real week of the scheme, with real processes, and leave the portal open.

    Roster, grants, partners, cards read from bad photographs, sales and refusals, the weekly payout with its two
    approvals, the bank's file, the proof of the books. Everything stays in the data folder; Ctrl-C ends every process.
    """
    if show_code:
        click.echo(people.current_code())
        return
    address = bind or settings.BIND.value
    free_to_bind(address)
    stage = Stage()
    with Supervisor("demo") as processes:
        _start(stage, processes, address)
        engine = database.application_engine()
        from partner_portal.demo.chapters import play
        from partner_portal.demo.story import Story, require_a_database_of_our_own

        require_a_database_of_our_own(engine)
        story = Story(stage, engine, data_folder() / "demo", f"http://{address}", students)
        play(story)
        stage.say(f"Joué en {stage.seconds:.0f} secondes, de vrais processus. Tout est dans {data_folder() / 'demo'}.")
        if serve:
            processes.start("calendar", "calendar")
            _invite(story)
            with contextlib.suppress(KeyboardInterrupt):
                processes.wait()


def _start(stage: Stage, processes: Supervisor, address: str) -> None:
    """PostgreSQL, Redis, the migrations, the portal and a worker."""
    stage.chapter("Le service démarre")
    with stage.console.status("PostgreSQL et Redis…"):
        database.upgrade()
        redis = redis_url()
    folder = data_folder() / "demo" / "banque"
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in (
        ("ATOUTS_PUBLIC_URL", f"http://{address}"),
        ("ATOUTS_PAYER_IBAN", PAYER_IBAN),
        ("ATOUTS_PAYOUT_FOLDER", str(folder)),
    ):
        os.environ.setdefault(name, value)
    with stage.console.status("Portail et ordonnanceur…"):
        processes.start("portal", "serve", "--bind", address)
        processes.start("worker", "worker")
        processes.wait_until_answers("portal", f"http://{address}/healthz")
    with database.working_engine() as engine, engine.connect() as conn:
        version = conn.exec_driver_sql("show server_version").scalar_one()
    stage.say(f"PostgreSQL {version}, Redis ({redis.split('?')[0]}), portail sous gunicorn : http://{address}")
    stage.say(f"Données : {data_folder()}")


def _invite(story: "Story") -> None:
    """Addresses and sign-ins to look around with."""
    stage = story.stage
    stage.chapter("Le portail reste ouvert : à vous")
    stage.table(
        f"{story.address} — mot de passe de tous : {people.PASSWORD}",
        ("Adresse de connexion", "Nom", "Rôle"),
        [(person.email, person.name, person.who) for person in people.CAST],
    )
    stage.say(f"Les agents de la Région tapent aussi un code à six chiffres : {sys.argv[0]} demo --code le montre.")
    if story.pupil:
        with story.engine.connect() as conn:
            student = student_access.get(conn, story.pupil.student_id)
        if student:
            stage.say(
                f"Pour voir ce que voit {student.first_name}, qui a acheté : {story.address}/eleve/, première visite, "
                f"carte {story.pupil.code}, date de naissance {student.birth_date:%d/%m/%Y}."
            )
    stage.say("Ctrl-C arrête tout ; les données restent pour la prochaine fois.")
