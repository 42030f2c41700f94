"""The page's own readings of what is typed: the same as the till client's and the portal's, text for text."""

import random
from datetime import date

import pytest
from playwright.sync_api import Page

from batch.french import day_in_words, euros
from ledger.cards import ALPHABET, printed_code
from pos_client import codes, french
from tests.ledger.scheme import KEYS
from tests.partner_portal.counter.conftest import School

pytestmark = pytest.mark.browser
SWAPPED = str.maketrans("AQZWM1234567890", "QAWZ,&é\"'(-è_çà")
ISBN = ("9782010000003", "978-2-01-000000-3", "2010000008", "201000000X", "9782010000004", "8&é", "12345678")


@pytest.fixture
def script(cashier: Page, school: School) -> Page:
    """A page that may load the till's modules."""
    cashier.goto("/partenaire/caisse")
    return cashier


def told(script: Page, module: str, call: str, inputs: list[object]) -> list[object]:
    """What a function of a module says of each input; of a refusal, its sentence."""
    return script.evaluate(
        f"""async (inputs) => {{
            const module = await import("/static/till/{module}");
            return inputs.map((input) => {{
                try {{ return {call}; }} catch (refusal) {{ return refusal.message; }}
            }});
        }}""",
        inputs,
    )


def typed_cards() -> list[str]:
    """Codes as scanners and people type them, and what is nearly one."""
    chance = random.Random(1)
    texts = ["", "A", "Bonjour", "A" * 33, "W" + "B" * 31, "ÇÀ" * 16, "a" * 31 + "1"]
    for _ in range(200):
        code = printed_code(KEYS, chance.randrange(2**60), 1)
        texts += [
            code,
            code.lower(),
            code.translate(SWAPPED),
            code.lower().translate(SWAPPED).upper(),
            code.translate(str.maketrans("OIB", "018")),
            "-".join(code[start : start + 4] for start in range(0, 32, 4)),
            " ".join(code[start : start + 8] for start in range(0, 32, 8)),
            code[:-1],
            "".join(chance.choice(ALPHABET + "&é\"'(-è_çà!§,?0189") for _ in range(32)),
        ]
    return texts


def test_cards_are_read_as_the_till_client_reads_them(script: Page) -> None:
    def read(text: str) -> list[object] | str:
        try:
            card = codes.read_card(text)
        except codes.NotACard as refusal:
            return str(refusal)
        return [card.text, card.scanner_layout_wrong]

    texts = typed_cards()
    said = told(script, "codes.js", "(({text, layoutWrong}) => [text, layoutWrong])(module.readCard(input))", texts)
    assert said == [read(text) for text in texts]


def test_books_are_read_as_the_till_client_reads_them(script: Page) -> None:
    def read(text: str) -> str:
        try:
            return codes.read_ean(text)
        except codes.NotAnEan as refusal:
            return str(refusal)

    chance = random.Random(2)
    texts = [*ISBN, *(str(chance.randrange(10**13)) for _ in range(100))]
    texts += [f"{chance.randrange(10**9):09}{chance.choice('0123456789X')}" for _ in range(100)]
    texts += [text.translate(SWAPPED) for text in texts]
    assert told(script, "codes.js", "module.readEan(input)", texts) == [read(text) for text in texts]
    assert told(script, "codes.js", "module.looksLikeANumber(input)", texts) == [
        codes.looks_like_a_number(text) for text in texts
    ]


def test_amounts_and_days_are_written_as_everywhere_else(script: Page) -> None:
    amounts = [0, 5, 1250, 99_999, 123_456, -123_456, 123_456_789]
    assert told(script, "french.js", "module.euros(input)", amounts) == [euros(amount) for amount in amounts]
    days = [date(2027, 6, 30), date(2026, 9, 1), date(2026, 12, 31)]
    said = told(script, "french.js", "module.day(input)", [day.isoformat() for day in days])
    assert said == [day_in_words(day) for day in days]


def test_typed_amounts_are_read_as_the_till_client_reads_them(script: Page) -> None:
    def read(text: str) -> int | None:
        try:
            return french.cents(text)
        except french.NotAnAmount:
            return None

    texts = ["12,50", "12.5", "12", "1 234,5 €", "0", "", "12,505", "-3", "abc", "12,", "1\u202f234,50\u00a0€"]
    assert told(script, "french.js", "module.cents(input)", texts) == [read(text) for text in texts]
