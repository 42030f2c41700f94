"""Who acts from a command line: the audit trail names the machine's user, who is nobody of the portal."""

import getpass


def actor() -> str:
    """'operator:camille': the name under which the machine knows whoever typed the command."""
    try:
        return f"operator:{getpass.getuser()}"
    except (KeyError, OSError):
        return "operator:unknown"
