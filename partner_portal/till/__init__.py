"""What a school does at the counter: the till page, the cards its camera sees, the sales made and their receipts."""
