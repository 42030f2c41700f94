"""Logs: one JSON object per line on standard output, without secrets, bank details or names of people.

Both the portal and the jobs log through here. What identifies a request or a job is bound once with
`structlog.contextvars` and stands in every line written until it ends.
"""

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
HIDDEN = "***"


def without_private_data(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values whose key says they are private, and IBANs, card codes and addresses wherever they stand."""
    for key, value in event.items():
        if _PRIVATE_KEYS.search(key):
            event[key] = HIDDEN
        elif isinstance(value, str):
            event[key] = scrubbed(value)
    return event


def scrubbed(text: str) -> str:
    """`text` with IBANs, card codes and mail addresses hidden."""
    if "@" in text:
        text = _EMAIL.sub(HIDDEN, text)
    return _CARD_CODE.sub(HIDDEN, _IBAN.sub(HIDDEN, text))


_ENRICH: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class StandardOutput(logging.Handler):
    """Writes to what standard output is at that moment, since whoever runs us may replace it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            sys.stdout.write(f"{self.format(record)}\n")
            sys.stdout.flush()
        except Exception:
            self.handleError(record)


def configure(level: str = "INFO", *, readable: bool = False) -> None:
    """Send every log line, ours and the libraries', through one pipeline to standard output.

    `readable` is for a developer's terminal; otherwise each line is one JSON object. Configuring again replaces.
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
    handler = StandardOutput()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            foreign_pre_chain=_ENRICH,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # A request's address can hold a link's secret: our own line names the route instead.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_ENRICH,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
