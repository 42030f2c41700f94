"""SEPA credit transfers: what a bank accepts, the file we write, and the checks it passes before it leaves."""
