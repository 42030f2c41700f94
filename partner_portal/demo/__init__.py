"""A made-up Region to play with: schools, students, partners and goods that look real and are not."""
