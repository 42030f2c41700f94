"""The letters about a bank account that changes."""

from sqlalchemy import text

from batch import account_letters
from ledger import partner_accounts
from tests.conftest import Database
from tests.payout_world import World, iban


def test_the_old_contacts_read_what_happened_without_a_link_and_without_the_whole_iban(
    fresh_database: Database,
) -> None:
    world = World(fresh_database.engine, fresh_database.owner_engine)
    partner = world.partner(name="Lycée Éluard")
    with world.engine.begin() as conn:
        account = partner_accounts.ask_change(
            conn, partner, iban=iban(600), holder="Lycée", actor="person:1", tell=account_letters.tell
        )
        partner_accounts.record_call(conn, account.id, phone="0231000000", spoke_with="Mme Le Goff", actor="person:2")
        partner_accounts.accept_change(conn, account.id, actor="person:2", tell=account_letters.tell)
        mails = conn.execute(text("select * from mail_outbox order by id")).all()
    assert [mail.purpose for mail in mails] == ["bank_account_asked", "bank_account_accepted"]
    assert "Il sera crédité à partir du" in mails[1].body_text
    for mail in mails:
        assert "Lycée Éluard" in mail.subject
        assert "appelez-nous sans attendre" in mail.body_text
        assert iban(600) not in mail.body_text
        assert "http" not in mail.body_text
