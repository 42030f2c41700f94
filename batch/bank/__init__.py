"""Files that banks send back, read into the values of `ledger.bank_messages`.

A file is read to its end and checked before any of it is handed out, so that nothing is ever done with half a file.
Meanwhile its entries wait on disk, so that a statement of any length takes little memory.
"""
