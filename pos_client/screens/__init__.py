"""The till's screens, for a keyboard and a card reader."""
