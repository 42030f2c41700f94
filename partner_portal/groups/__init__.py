"""Group purchases: a class chosen, scanned or sent as a file; looked at student by student; then carried out."""
