"""Account numbers. As in a chart of accounts, the leading digit says what an account is."""

WALLETS = range(1_000_000_000_000, 2_000_000_000_000)
PARTNERS = range(2_000_000_000_000, 3_000_000_000_000)

FUNDING = 3_000_000_000_001
"""What the Region has granted to students."""
LAPSED = 3_000_000_000_002
"""What students did not use in time."""
IN_TRANSIT = 3_000_000_000_003
"""Payouts in a file that the bank has not booked yet."""
BANK = 3_000_000_000_004
"""Always equal to the bank's statement."""
SUSPENSE = 3_000_000_000_005
"""Bank movements that nobody has explained yet."""
WRITE_OFF = 3_000_000_000_006
"""Amounts given up by a signed decision."""
BANK_CHARGES = 3_000_000_000_007


def partner_account(partner_id: int) -> int:
    """The number of the account that holds what the Region owes a partner."""
    return PARTNERS.start + partner_id
