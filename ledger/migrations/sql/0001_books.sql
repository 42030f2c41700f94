-- The books: two tables, account and transfer. Everything the ledger promises about money is promised here.

create schema if not exists atouts;
grant usage on schema atouts to atouts_app;

-- ---------------------------------------------------------------------------------------------------------------
-- Accounts
-- ---------------------------------------------------------------------------------------------------------------
-- As in a chart of accounts, the leading digit of an account's number says what it is:
--   1 000 000 000 000 ...  wallet: what the Region owes one student for one benefit of one school year
--   2 000 000 000 000 ...  partner: what the Region owes one partner school
--   3 000 000 000 000 ...  the Region's own accounts
-- so a transfer's two sides can be checked without looking at another row.

create sequence wallet_number minvalue 1000000000001 maxvalue 1999999999999;

create table account (
    id         bigint primary key,
    owner_id   bigint,                           -- student of a wallet, partner of a partner account; opaque here
    benefit_id smallint,                         -- benefit (of one school year) of a wallet
    balance    bigint not null default 0,        -- wallets: credits - debits, in cents, kept by the transfer trigger
    held       bigint not null default 0,        -- wallets: part of balance that open holds reserve
    name       text,                             -- the Region's accounts: their name in the books
    opened_at  timestamptz not null default now(),
    constraint wallet_never_below_zero check (held >= 0 and balance >= held)
) with (fillfactor = 75);                        -- room for in-page (HOT) updates of balance

create unique index wallet_of_student on account (owner_id, benefit_id) where benefit_id is not null;
create unique index account_of_partner on account (owner_id) where benefit_id is null and owner_id is not null;

insert into account (id, name) values
    (3000000000001, 'funding'),        -- what the Region has granted to students
    (3000000000002, 'lapsed'),         -- what students did not use in time
    (3000000000003, 'in_transit'),     -- payouts in a file the bank has not booked yet
    (3000000000004, 'bank'),           -- always equal to the bank's statement
    (3000000000005, 'suspense'),       -- bank movements nobody has explained yet
    (3000000000006, 'write_off'),      -- amounts given up by a signed decision
    (3000000000007, 'bank_charges');

-- ---------------------------------------------------------------------------------------------------------------
-- Transfers
-- ---------------------------------------------------------------------------------------------------------------

create type transfer_kind as enum (
    'sale', 'grant', 'refund', 'lapse', 'grant_withdrawal',
    'payout', 'payout_reopened', 'bank_debit', 'bank_return', 'bank_charge',
    'bank_funding', 'suspense_in', 'suspense_out', 'write_off'
);

create sequence transfer_number;

create table transfer (
    id             bigint primary key default nextval('atouts.transfer_number'),
    posted_at      timestamptz not null default now(),
    debit_account  bigint not null,
    credit_account bigint not null,
    amount         bigint not null,               -- cents
    document       bigint not null,               -- number of the sale, wallet, cancellation, payment ... that it belongs to
    reverses       bigint,                        -- the transfer that this one takes back, always whole
    kind           transfer_kind not null,
    line           smallint not null,             -- (kind, document, line) is the business key: it posts once
    school_year    smallint not null,             -- 2026 is 2026-2027
    constraint amount_is_positive check (amount > 0 and line > 0)
);

create unique index business_key_posts_once on transfer (kind, document, line);
create unique index reversed_at_most_once on transfer (reverses) where reverses is not null;
create index transfer_by_debit_account on transfer (debit_account, id);
create index transfer_by_credit_account on transfer (credit_account, id);

-- Inserting a transfer is the only way to move money: both sides must fit the kind and exist, and the wallets' balances
-- follow, where their CHECK refuses what is not there. Partner and Region accounts are only read, never written or locked,
-- so no two tills queue for one row (a foreign key would lock the partner's row for every sale; accounts never go, so
-- looking is enough). All this is one row trigger and not CHECK constraints: PostgreSQL parses a CHECK's stored text again
-- for every statement, which took a third of a sale's time when measured.
-- Whoever may meet others in several wallets locks them first, in the order (owner_id, benefit_id).
create function transfer_moves_money() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
declare
    debit   constant bigint := new.debit_account;
    credit  constant bigint := new.credit_account;
    wallets constant bigint := 2000000000000;      -- numbers below are wallets
    region  constant bigint := 3000000000000;      -- numbers above are the Region's
begin
    if not (case new.kind
            when 'sale' then debit < wallets and credit between wallets and region
            when 'grant' then debit = 3000000000001 and credit < wallets and (new.document, new.line) = (credit, 1)
            when 'refund' then debit between wallets and region and credit < wallets
            when 'lapse' then debit < wallets and credit = 3000000000002
            when 'grant_withdrawal' then debit < wallets and credit = 3000000000001
            when 'payout' then debit between wallets and region and credit = 3000000000003
            when 'payout_reopened' then debit = 3000000000003 and credit between wallets and region
            when 'bank_debit' then debit = 3000000000003 and credit = 3000000000004
            when 'bank_return' then debit = 3000000000004 and credit = 3000000000003
            when 'bank_charge' then least(debit, credit) = 3000000000004 and greatest(debit, credit) = 3000000000007
            when 'bank_funding' then least(debit, credit) = 3000000000001 and greatest(debit, credit) = 3000000000004
            when 'suspense_in' then least(debit, credit) = 3000000000004 and greatest(debit, credit) = 3000000000005
            when 'suspense_out' then 3000000000005 in (debit, credit) and 3000000000004 not in (debit, credit)
                                     and least(debit, credit) > region
            when 'write_off' then 3000000000006 in (debit, credit) and least(debit, credit) > wallets
        end) or debit = credit
    then
        raise exception 'a transfer of kind % cannot go from account % to account %', new.kind, debit, credit
            using errcode = 'check_violation', constraint = 'sides_fit_the_kind';
    end if;

    -- A reversal takes back one transfer, whole, with the sides exchanged; the unique index lets it happen once.
    if new.kind in ('refund', 'grant_withdrawal', 'payout_reopened') then
        if not exists (
            select from transfer t
             where t.id = new.reverses and t.amount = new.amount and t.school_year = new.school_year
               and t.debit_account = credit and t.credit_account = debit
               and t.kind = case new.kind when 'refund' then 'sale'::transfer_kind
                                          when 'grant_withdrawal' then 'grant' else 'payout' end)
        then
            raise exception 'transfer does not mirror the transfer that it reverses (%)', new.reverses
                using errcode = 'check_violation', constraint = 'reversal_mirrors_its_transfer';
        end if;
        -- What is owed again is paid again, so only the bank's rejection or return of that very payment makes it so.
        if new.kind = 'payout_reopened' and not exists (
            select from transfer t join payout_payment p on p.id = t.document
             where t.id = new.reverses and p.id = new.document and p.state in ('rejected', 'returned'))
        then
            raise exception 'payment % has neither been rejected nor come back', new.document
                using errcode = 'check_violation', constraint = 'reopened_on_the_banks_word';
        end if;
    elsif new.reverses is not null then
        raise exception 'a transfer of kind % reverses nothing', new.kind
            using errcode = 'check_violation', constraint = 'reversal_mirrors_its_transfer';
    end if;

    -- One side at most is a wallet. Where the other side is not there, no row is found.
    if debit < wallets then
        update account set balance = balance - new.amount where id = debit and exists (select from account where id = credit);
    elsif credit < wallets then
        update account set balance = balance + new.amount where id = credit and exists (select from account where id = debit);
    else
        perform from account d, account c where d.id = debit and c.id = credit;
    end if;
    if not found then
        raise exception 'there is no account %, or no account %', debit, credit
            using errcode = 'foreign_key_violation', constraint = 'accounts_exist';
    end if;
    return null;
end $$;

create trigger transfer_moves_money after insert on transfer
    for each row execute function transfer_moves_money();

-- Locking takes the right to update, which the application does not have.
create function lock_wallets(wallets bigint[]) returns table (id bigint, balance bigint, held bigint)
language sql security definer set search_path = atouts, pg_temp as $$
    select a.id, a.balance, a.held from account a where a.id = any(wallets) order by a.owner_id, a.benefit_id for no key update
$$;

create function refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% on % is refused: the books are append-only', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end $$;

create trigger append_only before update or delete or truncate on transfer
    for each statement execute function refuse_change();

-- An account is opened empty, under a number of its class, and then only its balance changes, by transfers and holds (their
-- triggers run one trigger deep; a plain UPDATE runs at depth one, the guard itself).
create function account_is_guarded() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.balance = 0 and new.held = 0 and (case new.id / 1000000000000
                when 1 then new.owner_id is not null and new.benefit_id is not null
                when 2 then new.owner_id = new.id - 2000000000000 and new.benefit_id is null
                when 3 then new.owner_id is null and new.benefit_id is null and new.name is not null
                else false end)
        then
            return new;
        end if;
    elsif tg_op = 'UPDATE' then
        if pg_trigger_depth() > 1 and new.id = old.id and new.owner_id is not distinct from old.owner_id
           and new.benefit_id is not distinct from old.benefit_id and (new.id < 2000000000000 or new.balance = 0)
        then
            return new;
        end if;
    end if;
    raise exception '% on account is refused: accounts open empty and never go, balances follow from transfers and holds', tg_op
        using errcode = 'insufficient_privilege';
end $$;

create trigger account_is_guarded before insert or update on account
    for each row execute function account_is_guarded();
create trigger account_never_goes before delete or truncate on account
    for each statement execute function account_is_guarded();

-- One row per side, for people who read journals: amounts are positive for a credit, negative for a debit.
create view entry as
    select id as transfer_id, posted_at, debit_account as account_id, -amount as amount, credit_account as other_account_id,
           kind, document, line, school_year, reverses
      from transfer
    union all
    select id, posted_at, credit_account, amount, debit_account, kind, document, line, school_year, reverses
      from transfer;

-- ---------------------------------------------------------------------------------------------------------------
-- Seals: closed ranges of transfers, hashed into a chain (see ledger/seals.py for the encoding)
-- ---------------------------------------------------------------------------------------------------------------

create table seal (
    number        bigint primary key,
    after_id      bigint not null,                -- the range is (after_id, last_id]
    last_id       bigint not null,
    transfers     bigint not null,
    amount        numeric not null,               -- sum of the amounts, in cents: a figure a person can compare
    previous_hash bytea not null,
    hash          bytea not null unique,
    sealed_at     timestamptz not null default now(),
    constraint range_is_not_empty check (last_id > after_id and transfers >= 0),
    constraint hashes_are_sha256 check (length(hash) = 32 and length(previous_hash) = 32)
);
create unique index seal_ranges_follow on seal (after_id);
create trigger append_only before update or delete or truncate on seal
    for each statement execute function refuse_change();

-- Each seal begins where the one before ends, in numbers and in hashes; the first one follows 0 and 32 zero bytes.
create function seal_continues_the_chain() returns trigger
language plpgsql set search_path = atouts, pg_temp as $$
declare
    last seal;
begin
    select * into last from seal order by number desc limit 1;
    if (new.number, new.after_id, new.previous_hash)
       <> (coalesce(last.number, 0) + 1, coalesce(last.last_id, 0), coalesce(last.hash, decode(repeat('00', 32), 'hex')))
    then
        raise exception 'seal % does not continue the chain', new.number
            using errcode = 'check_violation', constraint = 'seal_continues_the_chain';
    end if;
    return new;
end $$;
create trigger seal_continues_the_chain before insert on seal
    for each row execute function seal_continues_the_chain();

-- The application chooses neither a transfer's number nor its instant, so it can slip nothing in among what is sealed.
grant select on account, transfer, seal, entry to atouts_app;
grant insert (id, owner_id, benefit_id) on account to atouts_app;
grant insert (debit_account, credit_account, amount, document, line, kind, school_year, reverses) on transfer to atouts_app;
grant insert (number, after_id, last_id, transfers, amount, previous_hash, hash) on seal to atouts_app;
grant usage on sequence transfer_number, wallet_number to atouts_app;
grant select on sequence transfer_number to atouts_app;
