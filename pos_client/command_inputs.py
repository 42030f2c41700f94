"""What the command line was given, made into cards and baskets."""

import functools
from collections.abc import Sequence
from pathlib import Path

import click

from pos_client.answers import Product
from pos_client.basket import Basket
from pos_client.codes import CardCode, NotACard, NotAnEan, read_card, read_ean
from pos_client.command_line import Said
from pos_client.french import NotAnAmount, cents
from pos_client.refusals import Refusal
from pos_client.till import Till


def card_of(code: str | None, picture: Path | None) -> CardCode:
    """The card that was typed, photographed, or else is asked for now."""
    if picture is not None:
        cards = cards_on(picture, wanted=2)
        if len(cards) > 1:
            raise Said("Il y a plusieurs cartes sur cette photo : photographiez-les une par une.")
        return CardCode(cards[0])
    try:
        card = read_card(code or click.prompt("Carte"))
    except NotACard as refusal:
        raise Said(str(refusal)) from refusal
    if card.scanner_layout_wrong:
        click.echo("Le lecteur est réglé pour un clavier américain : réglez-le en AZERTY français.", err=True)
    return card


def cards_on(picture: Path, *, wanted: int) -> list[str]:
    """The cards on a picture, at least one."""
    # Imported where it is needed: reading pictures takes longer to load than most commands take to run.
    from pos_client.decoding import UnreadablePicture, look, zbar_missing

    _tell_once(zbar_missing())
    try:
        seen = look(picture, wanted=wanted)
    except UnreadablePicture as refusal:
        raise Said(str(refusal)) from refusal
    if seen.cards:
        return list(seen.cards)
    if seen.others:
        raise Said("Le QR code de cette photo n’est pas celui d’une carte Atouts Normandie.")
    raise Said("Aucune carte n’a pu être lue sur cette photo : reprenez-la de plus près, à plat et sans reflet.")


def basket_of(till: Till, eans: Sequence[str], prices: Sequence[str]) -> Basket:
    """The products of the given numbers, at the given prices or at their real cost."""
    by_ean = dict(_price(text) for text in prices)
    basket = Basket()
    for typed in eans:
        ean = _ean(typed)
        basket = basket.with_product(product_of(till, ean), by_ean.pop(ean, None))
    if by_ean:
        raise Said(f"Un prix est donné pour {', '.join(by_ean)}, qui n’est pas dans la vente.")
    return basket


def product_of(till: Till, ean: str) -> Product:
    """The product of an EAN; ends the command where there is none."""
    product = till.product(ean)
    if isinstance(product, Refusal):
        raise Said(product.sentence)
    if product is None:
        raise Said(f"Le produit {ean} n’est pas au catalogue de l’établissement.")
    return product


def confirm(yes: bool, question: str) -> None:
    """Go on only if the clerk says so."""
    if yes:
        return
    answer = click.prompt(f"{question} [o/N]", default="n", show_default=False, err=True)
    if answer.strip().casefold() not in ("o", "oui"):
        raise Said("Abandonné : rien n’est envoyé.")


@functools.cache
def _tell_once(note: str | None) -> None:
    if note:
        click.echo(note, err=True)


def _ean(typed: str) -> str:
    try:
        return read_ean(typed)
    except NotAnEan as refusal:
        raise Said(f"{typed} : {refusal}") from refusal


def _price(text: str) -> tuple[str, int]:
    ean, _, price = text.partition("=")
    try:
        return _ean(ean), cents(price)
    except NotAnAmount as refusal:
        raise Said(str(refusal)) from refusal
