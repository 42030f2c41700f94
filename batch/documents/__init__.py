"""What is printed: students' cards, sale receipts, remittance advices, payout run summaries.

Each document is a pure function from a value of `models` to bytes: the same value gives the same bytes, whenever and
wherever it is drawn, because every date on it, the file's own included, comes from the value.
"""
