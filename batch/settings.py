"""What an operator can set about what runs by itself; read and declared as in `ledger.settings`."""

from ledger.settings import Setting

REDIS_URL = Setting(
    "REDIS_URL",
    "",
    "The Redis of queues, sessions and look-up tokens, redis://host:6379/0; without it an embedded one is started in "
    "the data folder.",
    secret=True,
)

PUBLIC_URL = Setting(
    "PUBLIC_URL",
    "http://localhost:8765",
    "Where browsers reach the portal; mails link there, and https makes every cookie travel encrypted only.",
)

ASSISTANCE_EMAIL = Setting(
    "ASSISTANCE_EMAIL", "partenaires.atouts@normandie.fr", "Mail address of the partners' assistance, shown to users."
)
ASSISTANCE_PHONE = Setting("ASSISTANCE_PHONE", "02 14 00 08 50", "Phone number of the partners' assistance.")
ASSISTANCE_HOURS = Setting(
    "ASSISTANCE_HOURS",
    "du lundi au vendredi, de 9 h à 12 h et de 13 h 30 à 17 h",
    "When that phone is answered, in French.",
)
QUESTIONS_EMAIL = Setting(
    "QUESTIONS_EMAIL",
    "",
    "Where students and parents write about their benefits and their data; the partners' assistance if empty.",
)
REMINDER_DAYS = Setting(
    "REMINDER_DAYS", "60 30 7", "How many days before a deadline students with something left are reminded of it."
)

SMTP_HOST = Setting("SMTP_HOST", "localhost", "The mail server that takes our mails.")
SMTP_PORT = Setting("SMTP_PORT", 25, "Its port: 25 or 587 with STARTTLS, 465 with TLS from the start.")
SMTP_SECURITY = Setting("SMTP_SECURITY", "none", "How the way to it is protected: none, starttls or tls.")
SMTP_USER = Setting("SMTP_USER", "", "The name we sign in with at the mail server, if it asks for one.")
SMTP_PASSWORD = Setting("SMTP_PASSWORD", "", "The password that goes with it.", secret=True)
MAIL_FROM = Setting("MAIL_FROM", "Atouts Normandie <ne-pas-repondre@normandie.fr>", "The sender of our mails.")

PAYER_NAME = Setting("PAYER_NAME", "Région Normandie", "Who pays the partners, as the bank knows it.")
PAYER_IBAN = Setting("PAYER_IBAN", "", "The account that pays the partners.")
PAYER_BIC = Setting("PAYER_BIC", "", "The BIC of that account's bank; found from the IBAN where its bank is known.")
BANK_PROFILE = Setting(
    "BANK_PROFILE", "standard", "How that bank wants its payment files: standard, or the path of a TOML or JSON file."
)
MESSAGE_PREFIX = Setting(
    "MESSAGE_PREFIX", "ATOUTS", "What the ids of payment files begin with: 1 to 12 capital letters and digits."
)
PAYOUT_FOLDER = Setting(
    "PAYOUT_FOLDER", "", "Where payment files are put for the bank's transfer software to take; none if empty."
)
BANK_FOLDER = Setting(
    "BANK_FOLDER", "", "Where the bank's software puts its reports and statements, to be taken in; none if empty."
)
PAYOUT_MINIMUM_CENTS = Setting(
    "PAYOUT_MINIMUM_CENTS", 100, "What is owed to a partner below this is carried over to the next week."
)
PAYOUT_PAYMENT_LIMIT_CENTS = Setting(
    "PAYOUT_PAYMENT_LIMIT_CENTS", 30_000_000, "A single payment above this is held back."
)
PAYOUT_WEEKLY_LIMIT_CENTS = Setting(
    "PAYOUT_WEEKLY_LIMIT_CENTS", 30_000_000, "More than this to one partner in a week is held back."
)
PAYOUT_RUN_LIMIT_CENTS = Setting("PAYOUT_RUN_LIMIT_CENTS", 1_000_000_000, "A run above this cannot be approved.")
PAYOUT_ADVANCE_CEILING_CENTS = Setting(
    "PAYOUT_ADVANCE_CEILING_CENTS",
    0,
    "The advance of the régie whose account pays: no run is approved above what is left of it; 0 if there is none.",
)
PAYOUT_UNUSUAL_TIMES = Setting(
    "PAYOUT_UNUSUAL_TIMES", 3, "From how many times a partner's median payment on the approvers are told."
)
BANK_ACCOUNT_COOL_OFF_DAYS = Setting(
    "BANK_ACCOUNT_COOL_OFF_DAYS", 10, "Days during which nothing is paid to a bank account that replaces another one."
)
