"""The weekly payouts: what a run pays and to whom, who approved it, what went to the bank.

- `rules` decides, on values: pay, carry over or hold back, and what an approver must be told;
- `freeze` turns the transfers that are owed into the frozen content of a run, `content` puts that into one hash;
- `approval` has two people approve the hash, or one refuse the run;
- `files` puts the payments into the books together with the bytes for the bank, and records how these leave;
- `outcomes` records what the bank did with them;
- `runs` reads all of it back, `calendar` says which week is due.
"""
