"""The order of the story."""

from partner_portal.demo.story import Story
from partner_portal.demo.the_books import show_the_books
from partner_portal.demo.the_counter import sell_at_the_counter
from partner_portal.demo.the_payout import close_the_week
from partner_portal.demo.the_region import import_the_region, sign_up_partners


def play(story: Story) -> None:
    """Play the week, from the roster to the books."""
    import_the_region(story)
    sign_up_partners(story)
    sell_at_the_counter(story)
    close_the_week(story)
    show_the_books(story)
