"""Logs: one JSON object per line on standard output, without secrets, bank details or names of people.

Every process that stays logs through here. What identifies a request or a job is bound once with
`structlog.contextvars` and stands in every line written until it ends.
"""

import functools
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_PRIVATE_KEYS = re.compile(
    r"password|secret|token|authorization|cookie|iban|bic|e-?mail|recipient|name$|birth|pairing|totp|recovery",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD_CODE = re.compile(r"\b[AW][A-Z2-7]{31}\b")
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
# PostgreSQL's word for the row that it refuses, with all its values.
_ROW = re.compile(r"^DETAIL: .*$", re.MULTILINE)
HIDDEN = "***"


@functools.cache
def _is_private(key: str) -> bool:
    return _PRIVATE_KEYS.search(key) is not None


def without_private_data(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values whose key says they are private, and IBANs, card codes and addresses wherever they stand."""
    for key, value in event.items():
        if _is_private(key):
            event[key] = HIDDEN
        elif isinstance(value, str):
            event[key] = scrubbed(value)
    return event


def scrubbed(text: str) -> str:
    """`text` with IBANs, card codes, mail addresses and the rows that PostgreSQL refused hidden."""
    if "DETAIL: " in text:
        text = _ROW.sub(f"DETAIL: {HIDDEN}", text)
    if "@" in text:
        text = _EMAIL.sub(HIDDEN, text)
    return _CARD_CODE.sub(HIDDEN, _IBAN.sub(HIDDEN, text))


class StandardOutput:
    """Writes lines to what standard output is at that moment, since whoever runs us may replace it."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Write one line, whole."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    debug = info = warning = error = critical = exception = fatal = log = msg


class _LibrariesLines(logging.Handler):
    """Takes the lines that libraries log in the standard library's way."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            StandardOutput().msg(self.format(record))
        except Exception:
            self.handleError(record)


def _add_logger_name(logger: StandardOutput, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["logger"] = logger.name
    return event


_ENRICH: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(level: str = "INFO", *, readable: bool = False) -> None:
    """Send every log line, ours and the libraries', to standard output in one form. Configuring again replaces.

    `readable` is for a developer's terminal; otherwise each line is one JSON object. Ours do not pass through the
    standard library's logging, which costs a web request more than its line is worth.
    """
    rendering: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if readable
        else [
            structlog.processors.format_exc_info,
            without_private_data,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )
    handler = _LibrariesLines()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            foreign_pre_chain=[*_ENRICH, structlog.stdlib.add_logger_name],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # A request's address can hold a link's secret: our own line names the route instead.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_ENRICH, _add_logger_name, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=StandardOutput,
        cache_logger_on_first_use=False,
    )
