"""The money pages: what a school will be paid, was paid, and how every cent of it came about."""
