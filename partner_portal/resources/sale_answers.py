"""The words in which a sale is answered: pure functions of what the books decided, now or at the first asking."""

from typing import Any

from flask import Response
from werkzeug.http import HTTP_STATUS_CODES

from ledger.calendar import last_day_before
from ledger.refusals import SENTENCES, Refusal
from ledger.sales import AnsweredLine, AnsweredSale, AskedLine, AskedSale
from partner_portal.problems import MEDIA_TYPE, PROBLEMS
from partner_portal.resources.answers import answer, utc
from partner_portal.resources.keys import REPLAYED
from partner_portal.resources.scans import read_scan, read_token

Json = dict[str, Any]
_MAY_NOT_LOOK_UP = frozenset({Refusal.TERMINAL_REVOKED, Refusal.PARTNER_NOT_VALIDATED, Refusal.PARTNER_SUSPENDED})
"""Refused for these, a till is told no balance either: whoever keeps a stolen one would go on reading cards with it."""


def asked_sale(body: Json, terminal_id: int) -> AskedSale:
    """A sale as its till asks for it, with the card that was scanned or the reason why there is none."""
    lines = [AskedLine(int(line["ean"]), line["price_cents"]) for line in body["lines"]]
    token = body.get("lookup_token")
    card = read_scan(body["code"], terminal_id) if token is None else read_token(token, terminal_id)
    return AskedSale(None, lines, card) if isinstance(card, Refusal) else AskedSale(card, lines)


def sale_json(sale: AnsweredSale) -> Json:
    """An accepted sale, or a reservation."""
    told: Json = {
        "sale_id": str(sale.sale_id),
        "created_at": utc(sale.asked_at),
        "state": "accepted" if sale.held_until is None else "held",
        "lines": [_line(line) for line in sale.lines],
        "debited_cents": sale.amount if sale.held_until is None else 0,
        "balances": _balances(sale),
        "usable_until": min(last_day_before(line.usable_until) for line in sale.lines if line.usable_until).isoformat(),
    }
    if sale.held_until is not None:
        told |= {"held_cents": sale.amount, "held_until": utc(sale.held_until)}
    return told


def _line(line: AnsweredLine) -> Json:
    return {
        "line": line.line,
        "ean": f"{line.ean:013}",
        "benefit": line.benefit,
        "price_cents": line.price,
        "balance_after_cents": line.balance_after,
        "usable_until": last_day_before(line.usable_until).isoformat() if line.usable_until else None,
    }


def _balances(sale: AnsweredSale) -> list[Json]:
    """What each benefit held once its last line was taken."""
    left = {line.benefit: line for line in sale.lines}
    return [
        {
            "benefit": benefit,
            "balance_cents": line.balance_after,
            "usable_until": last_day_before(line.usable_until).isoformat() if line.usable_until else None,
        }
        for benefit, line in left.items()
    ]


def refusal_json(sale: AnsweredSale) -> Json:
    """Why a sale was refused: the reason of the whole, and of each line that has one; with what there is to spend."""
    if sale.refusal is None:
        raise ValueError("this sale was not refused")
    refused = [line for line in sale.lines if line.refusal is not None]
    tells_balance = sale.refusal not in _MAY_NOT_LOOK_UP
    told: Json = {"code": sale.refusal.value, "detail": SENTENCES[sale.refusal]}
    decisive = next((line for line in refused if line.refusal is sale.refusal), None)
    if tells_balance and decisive is not None and decisive.balance_after is not None:
        told["balance_cents"] = decisive.balance_after
    told["lines"] = [
        {"line": line.line, "ean": f"{line.ean:013}", "code": line.refusal.value if line.refusal else None}
        | ({"balance_cents": line.balance_after} if tells_balance and line.balance_after is not None else {})
        for line in refused
    ]
    return told


def sale_answer(sale: AnsweredSale) -> Response:
    """One sale alone. A refusal carries no request id: asked again, it is the same to the byte."""
    headers = REPLAYED if sale.replayed else {}
    if sale.refusal is None:
        return answer(sale_json(sale), 201, headers | {"Location": f"/api/v1/sales/{sale.sale_id}"})
    status = PROBLEMS[sale.refusal].status
    problem = {
        "type": f"/api/v1/reference#{sale.refusal.value}",
        "title": HTTP_STATUS_CODES[status],
        "status": status,
        **refusal_json(sale),
        "sale_id": str(sale.sale_id),
    }
    return answer(problem, status, headers, MEDIA_TYPE)
