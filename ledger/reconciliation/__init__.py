"""How what the bank tells meets the books: ledger = file = bank, and every difference has a name.

- `expectations` loads the payments that the bank may speak of;
- `statements` records files and statements, and `position` keeps the bank account in the books equal to them;
- `entries` divides entries into shares and puts them into the books, `effects` says how, `retries` does so again for
  what stayed open, `offsets` settles what makes up for each other; `reports` does it for status reports;
- `progress` moves the payout runs along;
- `decisions` is what people do about open items, `items` reads these, `closing` closes a run;
- `run_sheet` and `period_sheet` set ledger, file and bank side by side;
- `notices` are the facts that partners and officers are told of.

Whoever imports or decides holds the lock of `lock` until its transaction ends.
"""
