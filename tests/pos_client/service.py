"""A small real service on this computer that keeps the API's contract, and misbehaves when it is told to.

It shows the protocol from the till's side: it debits once for a key however often it is asked, and can lose its answer
after that, be overloaded, fall over, or let somebody else answer in its place.
"""

import json
import socket
import threading
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SECRET = "secret-of-the-till"
PAIRING_CODE = "ABCD-1234"
UNTIL = "2027-06-30"
LEA = "A" + "B" * 31
TOM = "A" + "C" * 31
ZOE_ON_TELEPHONE = "W" + "D" * 31
STRANGER = "A" + "Z" * 31
MATHS = {"ean": "9782091729107", "title": "Mathématiques 2de, licence élève", "publisher": "Nathan", "price": 1250}
PHYSICS = {"ean": "9782401078413", "title": "Physique-chimie 2de, licence élève", "publisher": "Hatier", "price": 990}
CLOTHES = {"ean": "3614270000003", "title": "Veste de travail", "publisher": "", "price": 4500}


@dataclass
class Student:
    first_name: str
    balance_cents: int
    class_name: str = "2de 4"


@dataclass
class Service:
    """The service's memory, and what it is told to do next."""

    students: dict[str, Student] = field(default_factory=dict)
    answers: dict[str, tuple[bytes, int, bytes]] = field(default_factory=dict)
    """By key: the request's body, and the status and body of the first answer."""
    debits: Counter[str] = field(default_factory=Counter)
    """How often each card was debited."""
    sales: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: deque[str] = field(default_factory=deque)
    """What goes wrong with the next requests that move money, one after the other; "" for nothing."""
    reading_faults: deque[str] = field(default_factory=deque)
    """The same for readings and look-ups."""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    revoked: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    arrived: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def start(self) -> ThreadingHTTPServer:
        self.students = {LEA: Student("Léa", 7000), TOM: Student("Tom", 1000), ZOE_ON_TELEPHONE: Student("Zoé", 4000)}
        service = self

        class Handler(_Handler):
            kept = service

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}/api/v1"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server

    def keys(self) -> list[str]:
        """The keys of the requests that moved money, in the order of their arrival."""
        return [headers["Idempotency-Key"] for _, _, headers in self.requests if "Idempotency-Key" in headers]

    def sell(self, body: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """The sale, or its refusal."""
        code = body.get("code") or str(body.get("lookup_token", "")).removeprefix("token-of-")
        student = self.students.get(code)
        if student is None:
            return None, {"code": "unknown_card", "detail": "Cette carte est inconnue du service."}
        products = {product["ean"]: product for product in (MATHS, PHYSICS)}
        if any(line["ean"] not in products for line in body["lines"]):
            return None, {"code": "product_not_covered", "detail": ""}
        total = sum(line["price_cents"] for line in body["lines"])
        if total > student.balance_cents:
            return None, {
                "code": "insufficient_balance",
                "detail": "Le solde ne suffit pas.",
                "balance_cents": student.balance_cents,
            }
        student.balance_cents -= total
        self.debits[code] += 1
        sale = {
            "sale_id": str(uuid.uuid4()),
            "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "state": "accepted",
            "lines": [
                {"line": number, "ean": line["ean"], "benefit": "books", "price_cents": line["price_cents"]}
                for number, line in enumerate(body["lines"], 1)
            ],
            "debited_cents": total,
            "balances": [self.balance_json(student)],
            "usable_until": UNTIL,
            "a_member_of_a_later_version": True,
        }
        self.sales[str(sale["sale_id"])] = {
            **sale,
            "code": code,
            "student": self.student_json(student),
            "lines": [{**line, "title": products[line["ean"]]["title"], "state": "accepted"} for line in sale["lines"]],
            "balances": [{**self.balance_json(student), "label": "Livres scolaires"}],
        }
        return sale, None

    @staticmethod
    def student_json(student: Student) -> dict[str, str]:
        return {"first_name": student.first_name, "initial": "M", "class_name": student.class_name}

    @staticmethod
    def balance_json(student: Student) -> dict[str, Any]:
        return {
            "benefit": "books",
            "balance_cents": student.balance_cents,
            "usable_until": UNTIL,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kept: Service

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/api/v1/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.kept.requests.append((self.command, path, dict(self.headers)))
        key = self.headers.get("Idempotency-Key")
        faults = self.kept.faults if key else self.kept.reading_faults
        fault = faults.popleft() if faults else ""
        if fault == "cut_before":
            return self._cut()
        if fault.startswith("status_"):
            return self._problem(int(fault.removeprefix("status_")), "unavailable", "Service indisponible.", retry=True)
        if fault == "sign_in_page":
            return self._send(200, b"<html>Bienvenue sur le Wi-Fi</html>", "text/html")
        if fault == "other_json":
            return self._send(200, b'{"welcome": true}', "application/json")
        if path == "terminals/pair":
            return self._pair(json.loads(body))
        if self.headers.get("Authorization") != f"Bearer {SECRET}":
            return self._problem(401, "invalid_token", "Le secret de la caisse n’est pas valable.")
        if self.kept.revoked:
            return self._problem(401, "terminal_revoked", "Cette caisse a été révoquée.")
        if self.command == "GET":
            return self._read(path, query)
        data = json.loads(body)
        if path == "lookups":
            return self._lookup(data["code"])
        with self.kept.lock:
            replayed = key in self.kept.answers
            if not replayed:
                self.kept.answers[str(key)] = (body, *self._decide(path, data))
            first_body, status, answer = self.kept.answers[str(key)]
        if first_body != body:
            return self._problem(409, "key_reused", "Cette clé a servi à une autre vente.")
        self.kept.arrived.set()
        if fault == "cut_after":
            return self._cut()
        if fault == "hold":
            self.kept.release.wait(20)
        kind = "application/json" if status < 400 else "application/problem+json"
        return self._send(status, answer, kind, {"Idempotency-Replayed": "true"} if replayed else {})

    def _decide(self, path: str, data: dict[str, Any]) -> tuple[int, bytes]:
        if path == "sales":
            sale, refusal = self.kept.sell(data)
            return (201, _json(sale)) if sale else (422, _json({**_problem(422, refusal["code"]), **refusal}))  # type: ignore[index, dict-item]
        if path == "sales/groups":
            return 200, _json(self._group(data))
        sale_id = path.split("/")[1]
        sale = self.kept.sales.get(sale_id)
        if sale is None:
            return 404, _json(_problem(404, "not_found", "Cette vente n’existe pas."))
        if "refunded_cents" in sale:
            return 409, _json(_problem(409, "conflict", "Tout est déjà annulé."))
        student = self.kept.students[sale["code"]]
        student.balance_cents += sale["debited_cents"]
        sale["refunded_cents"] = sale["debited_cents"]
        return 201, _json(
            {
                "cancellation_id": str(uuid.uuid4()),
                "sale_id": sale_id,
                "refunded_cents": sale["debited_cents"],
                "lines": sale["lines"],
                "balances": [self.kept.balance_json(student)],
                "lapsed_cents": 0,
            }
        )

    def _group(self, data: dict[str, Any]) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        for item, sale in enumerate(data["sales"]):
            sold, refusal = self.kept.sell(sale)
            if sold:
                results.append({"item": item, "outcome": "accepted", "sale": sold})
            else:
                results.append({"item": item, "outcome": "refused", "refusal": refusal})
        accepted = [result["sale"] for result in results if result["outcome"] == "accepted"]
        return {
            "results": results,
            "accepted": len(accepted),
            "refused": len(results) - len(accepted),
            "debited_cents": sum(sale["debited_cents"] for sale in accepted),
        }

    def _lookup(self, code: str) -> None:
        student = self.kept.students.get(code)
        if student is None:
            return self._problem(404, "unknown_card", "Cette carte est inconnue du service.")
        benefit = {
            **self.kept.balance_json(student),
            "label": "Livres scolaires",
            "granted_cents": 7000,
            "held_cents": 0,
            "available_cents": student.balance_cents,
        }
        answer = {
            "lookup_token": f"token-of-{code}",
            "expires_at": (datetime.now(UTC) + timedelta(minutes=5)).isoformat(),
            "student": self.kept.student_json(student),
            "benefits": [benefit],
        }
        return self._send(200, _json(answer))

    def _read(self, path: str, query: dict[str, str]) -> None:
        match path.split("/"):
            case ["terminal"]:
                return self._send(200, _json(_terminal()))
            case ["catalogue"]:
                return self._send(200, _json(_catalogue(query)))
            case ["sales"]:
                return self._send(200, _json({"items": list(self.kept.sales.values())[::-1], "next_cursor": None}))
            case ["sales", sale_id] if sale_id in self.kept.sales:
                return self._send(200, _json(self.kept.sales[sale_id]))
            case ["partner", "balance"]:
                total = sum(sale["debited_cents"] for sale in self.kept.sales.values())
                return self._send(200, _json({"unpaid_cents": total}))
        return self._problem(404, "not_found", "Cet objet n’existe pas.")

    def _pair(self, data: dict[str, Any]) -> None:
        if data["pairing_code"] != PAIRING_CODE:
            return self._problem(404, "not_found", "Ce code d’association n’existe pas ou a déjà servi.")
        partner = {"name": "Lycée Malherbe", "uai": "0140013N"}
        return self._send(201, _json({"terminal_id": "till-1", "secret": SECRET, "partner": partner}))

    def _problem(self, status: int, code: str, detail: str, *, retry: bool = False) -> None:
        extra = {"Retry-After": "0"} if retry else {}
        self._send(status, _json(_problem(status, code, detail)), "application/problem+json", extra)

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _cut(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _problem(status: int, code: str, detail: str = "") -> dict[str, Any]:
    return {
        "type": f"/api/v1/reference#{code}",
        "title": "Problem",
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": "request-of-the-service",
    }


def _terminal() -> dict[str, Any]:
    return {
        "terminal_id": "till-1",
        "name": "Accueil",
        "partner": {"name": "Lycée Malherbe", "uai": "0140013N", "status": "validated"},
        "assistance": {
            "email": "partenaires.atouts@normandie.fr",
            "phone": "02 14 00 08 50",
            "hours": "du lundi au vendredi, 9 h à 12 h et 13 h 30 à 17 h",
        },
        "usable_until": UNTIL,
    }


def _catalogue(query: dict[str, str]) -> dict[str, Any]:
    """One product a page, so that paging is always at work."""
    items = [
        {
            "product_id": str(number),
            "ean": product["ean"],
            "title": product["title"],
            "publisher": product["publisher"],
            "benefit": "books",
            "real_cost_cents": product["price"],
        }
        for number, product in enumerate((MATHS, PHYSICS))
        if query.get("ean", product["ean"]) == product["ean"]
    ]
    start = int(query.get("cursor", 0))
    return {"items": items[start : start + 1], "next_cursor": str(start + 1) if start + 1 < len(items) else None}
