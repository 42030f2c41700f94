"""At the counter: tills sell to cards, alone and to classes, are refused, cancel, and ask twice."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx

from batch.french import counted, euros
from ledger import cards, terminals
from ledger.data_folder import Unusable
from partner_portal.demo import cards_and_tills as counter
from partner_portal.demo.cards_and_tills import Heard, Pupil, TillProcess
from partner_portal.demo.region import Product
from partner_portal.demo.story import ACTOR, Story

PHOTOGRAPHED = 6


def sell_at_the_counter(story: Story) -> None:
    """Print cards, photograph them badly, pair tills, and sell: alone, to a class, refused, cancelled, twice."""
    stage = story.stage
    stage.chapter("Au guichet : cartes imprimées, photographiées de travers, lues et débitées")
    desk = story.folder / "guichet"
    desk.mkdir(exist_ok=True)
    sign_ups = story.region.sign_ups[: len(story.partner_ids)]
    with story.engine.connect() as conn:
        classes = [counter.class_of(conn, sign_up.uai, story.keys) for sign_up in sign_ups[:3]]
        first_class = counter.class_of(conn, sign_ups[0].uai, story.keys, stream="general")
        entrants = counter.class_of(conn, sign_ups[0].uai, story.keys, first_entry=True)
    sheet = counter.print_cards(desk, first_class, datetime.now(UTC))
    stage.say(f"Planche de cartes : {sheet} ({counted(len(first_class), 'carte')}).")
    story.tills = [_pair(story, partner_id) for partner_id in story.partner_ids[:3]]
    till = story.tills[0]
    book, other_book = _books(story)[:2]
    with stage.work("Photos, lecture et ventes", PHOTOGRAPHED) as work:
        sold = []
        for number, pupil in enumerate(first_class[:PHOTOGRAPHED]):
            photo = counter.take_photograph(desk, pupil, seed=number)
            heard = till.run("sell", "--picture", str(photo), "--ean", book.ean, "--yes")
            sold.append((photo.name, pupil, heard))
            work.advance()
    stage.table(
        "Ventes d’après les photos",
        ("Photo", "Élève", "Réponse", "Débité:", "Reste:"),
        [_sale_row(photo, pupil, heard) for photo, pupil, heard in sold],
    )
    story.pupil = first_class[0]
    _show_refusals(story, first_class, entrants[0])
    _show_a_cancellation(story, till, first_class[PHOTOGRAPHED], other_book.ean)
    _show_a_replay(story, first_class[PHOTOGRAPHED + 1], book)
    _buy_for_classes(story, classes, other_book.ean)


def _books(story: Story) -> list[Product]:
    """The digital textbooks, the cheapest first."""
    books = [one for one in story.region.catalogue if one.benefit == "books"]
    return sorted(books, key=lambda one: one.real_cost_cents)


def _pair(story: Story, partner_id: int) -> TillProcess:
    till = TillProcess(story.folder / "caisses" / str(partner_id), story.address)
    with story.engine.begin() as conn:
        code, _ = terminals.make_pairing_code(conn, partner_id, actor=ACTOR)
    heard = till.pair(code, "Guichet")
    if heard.status:
        raise Unusable(f"The till could not be paired: {heard.sentence}")
    return till


def _sale_row(photo: str, pupil: Pupil, heard: Heard) -> tuple[str, ...]:
    who = f"{pupil.card.first_name} {pupil.card.last_name[:1]}."
    if heard.status:
        return photo, who, _reason(heard), "", ""
    sale = heard.answer["answer"]
    left = ", ".join(euros(balance["balance_cents"]) for balance in sale["balances"])
    return photo, who, "acceptée", euros(sale["debited_cents"]), left


def _reason(heard: Heard) -> str:
    """What the clerk reads when a sale is refused."""
    refusal = (heard.answer or {}).get("refusal") if isinstance(heard.answer, dict) else None
    return str(refusal["detail"]) if refusal else heard.sentence


def _show_refusals(story: Story, general: Sequence[Pupil], entrant: Pupil) -> None:
    """One sale for each main reason; none of them moves a cent."""
    till, waiting = story.tills[0], _pair(story, story.waiting_partner_id)
    books = _books(story)
    cheap, dear = books[0], books[-1]
    kit = next(one for one in story.region.catalogue if one.benefit == "equipment")
    pupil, lost = general[-1], general[-2]
    forged = pupil.code[:-1] + ("A" if pupil.code[-1] != "A" else "B")
    with story.engine.begin() as conn:
        cards.reissue(conn, story.keys, lost.student_id, reason="perdue", actor=ACTOR)
    books_only = next(n for n, one in enumerate(story.region.sign_ups) if "equipment" not in one.accepts)
    takes_all = [argument for one in books[-3:] for argument in ("--ean", one.ean)]
    attempts = (
        ("Code falsifié", till, [forged, "--ean", cheap.ean]),
        ("Carte remplacée", till, [lost.code, "--ean", cheap.ean]),
        ("Solde insuffisant", till, [entrant.code, *takes_all]),
        ("Prix au-dessus du coût réel", till, [pupil.code, "--ean", cheap.ean, "--price", f"{cheap.ean}=99,00"]),
        ("Avantage que l’établissement n’accepte pas", story.tills[books_only], [entrant.code, "--ean", kit.ean]),
        ("Avantage que l’élève n’a pas", till, [pupil.code, "--ean", kit.ean]),
        ("Article hors catalogue", till, [pupil.code, "--ean", "9782070360024"]),
        ("Partenariat pas encore validé", waiting, [pupil.code, "--ean", dear.ean]),
    )
    rows = []
    for label, which, arguments in attempts:
        heard = which.run("sell", *arguments, "--yes")
        if not heard.status:
            raise Unusable(f"{label}: this sale should have been refused.")
        rows.append((label, _reason(heard)))
    story.stage.table("Ventes refusées : rien n’est débité", ("Cas", "Ce que lit le guichet"), rows)


def _show_a_cancellation(story: Story, till: TillProcess, pupil: Pupil, ean: str) -> None:
    sold = till.run("sell", pupil.code, "--ean", ean, "--yes").answer["answer"]
    till.run("cancel", sold["sale_id"], "--reason", "erreur de manuel", "--yes")
    left = till.run("lookup", pupil.code).answer["benefits"][0]["available_cents"]
    story.stage.say(
        f"Vente {sold['sale_id']} de {euros(sold['debited_cents'])}, annulée aussitôt : "
        f"le solde de {pupil.card.first_name} est revenu à {euros(left)}."
    )


def _show_a_replay(story: Story, pupil: Pupil, product: Product) -> None:
    """The same request twice, as after a cut: one debit, and the same answer byte for byte."""
    with story.engine.begin() as conn:
        code, _ = terminals.make_pairing_code(conn, story.partner_ids[0], actor=ACTOR)
    key = str(uuid.uuid4())
    with httpx.Client(base_url=f"{story.address}/api/v1", timeout=30) as api:
        paired = api.post("/terminals/pair", json={"pairing_code": code, "name": "Script"}).json()
        headers = {"Authorization": f"Bearer {paired['secret']}", "Idempotency-Key": key}
        body = {"code": pupil.code, "lines": [{"ean": product.ean, "price_cents": product.real_cost_cents}]}
        first = api.post("/sales", json=body, headers=headers)
        again = api.post("/sales", json=body, headers=headers)
    same = "la même, octet pour octet" if first.content == again.content else "DIFFÉRENTE"
    story.stage.say(
        f"La même demande envoyée deux fois (clé {key[:8]}…) : un seul débit de "
        f"{euros(first.json()['debited_cents'])}, et la réponse est {same}."
    )


def _buy_for_classes(story: Story, classes: Sequence[Sequence[Pupil]], ean: str) -> None:
    """Each till buys a licence for a whole class in one call."""
    rows = []
    with story.stage.work("Achats groupés", len(story.tills)) as work:
        for number, till in enumerate(story.tills):
            pupils = classes[number]
            file = counter.write_group(till.home, pupils)
            heard = till.run("group", str(file), "--ean", ean, "--yes")
            answers = [one for intent in heard.answer or [] for one in intent["answer"]["results"]]
            accepted = [one["sale"] for one in answers if one["outcome"] == "accepted"]
            rows.append(
                (
                    pupils[0].card.school,
                    pupils[0].card.class_name,
                    str(len(pupils)),
                    str(len(accepted)),
                    euros(sum(sale["debited_cents"] for sale in accepted)),
                )
            )
            work.advance()
    story.stage.table(
        "Achats groupés : une licence par élève, en un seul appel",
        ("Établissement de la classe", "Classe", "Élèves:", "Acceptés:", "Débité:"),
        rows,
    )
