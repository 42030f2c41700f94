"""Numbers that stand in an address or a form, read as the books' own numbers: what is none of them is as if absent."""

MOST = 2**63 - 1
"""PostgreSQL's bigint."""


def number(text: str) -> int:
    """The number. Raises ValueError for anything that the books could not have given out."""
    read = int(text)
    if not 0 <= read <= MOST:
        raise ValueError(text)
    return read
