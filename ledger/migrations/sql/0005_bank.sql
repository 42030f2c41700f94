-- What the bank tells us and how it meets the books.
--
-- Files, statements and entries are kept as they were told. An entry is divided into shares that add up to it; each share
-- is explained by payments of ours, by the bank's charges, by a person, or waits in suspense. The bank account in the books
-- follows statements (camt.053) alone; notifications (camt.054) and status reports (pain.002) tell facts about payments.

create sequence bank_document;                    -- numbers entries, and what posts: shares and adjustments never share a business key

-- ---------------------------------------------------------------------------------------------------------------
-- Files and statements
-- ---------------------------------------------------------------------------------------------------------------

create table bank_import (
    id          integer generated always as identity primary key,
    sha256      bytea not null unique check (length(sha256) = 32),
    name        text not null,
    size        bigint not null check (size > 0),
    kind        text not null check (kind in ('camt.053', 'camt.054', 'pain.002')),
    version     text not null,
    message_id  text not null,
    created_at  timestamptz not null,             -- as the bank says
    imported_by text not null,
    imported_at timestamptz not null default now()
);

create table bank_statement (
    id            integer generated always as identity primary key,
    import_id     integer not null references bank_import,
    number        integer not null,               -- place in its file
    kind          text not null check (kind in ('camt.053', 'camt.054')),
    account       text not null,
    statement_id  text not null,
    sequence      bigint,
    page          bigint,
    fingerprint   text not null,
    first_day     date,
    last_day      date,
    created_at    timestamptz not null,
    opening       bigint,                         -- signed cents, as are the next two
    closing       bigint,
    booked        bigint not null,                -- what its booked entries come to
    entries       integer not null,
    remarks       jsonb not null default '[]',    -- [{finding, sentence}]
    state         text not null check (state in ('taken', 'quarantined', 'dismissed')),
    decided_by    text,
    decided_at    timestamptz,
    decision      text,
    constraint balances_prove_it check (state <> 'taken' or kind <> 'camt.053'
                                        or coalesce(opening + booked = closing, false)),
    constraint dismissed_by_somebody check ((state = 'dismissed') = (decided_by is not null and coalesce(decision, '') <> ''))
);
-- Banks number their statements anew each year.
create unique index statement_taken_once
    on bank_statement (kind, account, statement_id, coalesce(sequence, -1), coalesce(page, -1),
                       coalesce(extract(year from last_day), 0)) where state = 'taken';
create index bank_statement_by_day on bank_statement (account, last_day);
create index bank_statement_by_import on bank_statement (import_id);

-- Two people say that a statement, which nothing but its own totals speaks against, is to be taken: who asks for it, and who
-- countersigns.
create table bank_release (
    statement_id integer not null references bank_statement,
    step         text not null check (step in ('asked', 'granted')),
    signed_by    text not null,
    reason       text not null check (reason <> ''),
    signed_at    timestamptz not null default now(),
    constraint each_step_is_signed_once primary key (statement_id, step),
    constraint two_people_sign unique (statement_id, signed_by)
);

-- What the chain of statements does to the bank account beside their entries: the balance before the first of them, and what
-- statements that are missing between them must have moved. Both are corrected by further rows as statements come in.
create table bank_adjustment (
    id        bigint primary key default nextval('bank_document'),   -- the document of its transfer
    import_id integer not null references bank_import,
    account   text not null,
    kind      text not null check (kind in ('opening', 'gap')),
    amount    bigint not null check (amount <> 0)                    -- signed as on the statement
);

-- ---------------------------------------------------------------------------------------------------------------
-- Entries and their shares
-- ---------------------------------------------------------------------------------------------------------------

create table bank_entry (
    id           bigint primary key default nextval('bank_document'),
    statement_id integer not null references bank_statement,
    number       integer not null,                -- place in its statement
    told_by      text not null,                   -- kind of its statement
    name         text not null,                   -- shared by whatever tells the same movement; see ledger/statement_checks.py
    servicer_ref text,
    amount       bigint not null,                 -- signed cents: below zero when we are debited
    booked_on    date,
    content      jsonb not null,                  -- the entry as it was told, its details apart
    constraint entry_of_a_statement unique (statement_id, number)
);
create unique index movement_moves_once on bank_entry (name) where told_by = 'camt.053' and servicer_ref is not null;
create index bank_entry_by_name on bank_entry (name);
create index bank_entry_by_day on bank_entry (booked_on);

create table bank_detail (
    entry_id bigint not null references bank_entry,
    number   integer not null,
    content  jsonb not null,
    primary key (entry_id, number)
);

create table bank_share (
    id          bigint primary key default nextval('bank_document'), -- the document of its transfers
    entry_id    bigint not null references bank_entry,
    detail      integer,
    amount      bigint not null check (amount <> 0),                 -- signed cents
    nature      text not null check (nature in ('match', 'conflict', 'unmatched', 'decision')),
    kind        text not null,
    certain     boolean not null,
    keys        text[] not null default '{}',     -- what agreed
    reason      text not null,                    -- why it is so, in French
    return_code text,
    charges     bigint not null default 0,        -- what a bank kept on the way back, beside the amount
    state       text not null,
    decided_by  text,
    decided_at  timestamptz,
    decision    text,                             -- why, in the words of who decided
    -- open: waits for a file or a person; refused: a proposal turned down, waits for a person; waiting: explained and signed,
    -- and still in suspense; settled: in the books for good; replaced: divided anew; noted: told by a notification only.
    constraint state_is_known check (state in ('open', 'refused', 'waiting', 'settled', 'replaced', 'noted')),
    constraint decided_by_somebody check ((decided_by is null) = (decided_at is null)),
    constraint people_say_why check (state not in ('refused', 'waiting') or coalesce(decision, '') <> '')
);
create index bank_share_by_entry on bank_share (entry_id);
create index bank_share_open on bank_share (id) where state in ('open', 'refused', 'waiting');

create table bank_share_payment (
    share_id   bigint not null references bank_share,
    payment_id bigint not null references payout_payment,
    amount     bigint not null,                   -- signed cents of the payment within the share
    primary key (share_id, payment_id)
);
create index bank_share_payment_by_payment on bank_share_payment (payment_id);

-- What the bank has told of a payment: one debit and one return each, by a statement and perhaps by a notification.
create table bank_told (
    payment_id bigint not null references payout_payment,
    direction  text not null check (direction in ('CRDT', 'DBIT')),
    told_by    text not null check (told_by in ('camt.053', 'camt.054')),
    share_id   bigint not null references bank_share,
    told_at    timestamptz not null default now(),
    "references" text[] not null default '{}',    -- what the bank calls it
    constraint a_payment_moves_once primary key (payment_id, direction, told_by)
);

-- ---------------------------------------------------------------------------------------------------------------
-- Status reports
-- ---------------------------------------------------------------------------------------------------------------

create table bank_report (
    import_id  integer primary key references bank_import,
    run_id     integer references payout_run,
    original   text,
    status     text,
    accepted   integer not null,
    pending    integer not null,
    rejected   integer not null,
    conflicts  integer not null
);

create table bank_rejection (
    payment_id  bigint primary key references payout_payment,
    import_id   integer not null references bank_import,
    reported_at timestamptz not null,
    code        text not null,
    sentence    text not null
);

create table bank_status_conflict (
    id         bigint generated always as identity primary key,
    import_id  integer not null references bank_import,
    payment_id bigint references payout_payment,
    kind       text not null,
    sentence   text not null,
    settled_by text,
    settled_at timestamptz,
    decision   text,
    constraint settled_by_somebody check ((settled_by is null) = (settled_at is null))
);
create index bank_status_conflict_open on bank_status_conflict (id) where settled_at is null;

-- ---------------------------------------------------------------------------------------------------------------
-- Closing: a person says that ledger, file and bank agree, or why they do not
-- ---------------------------------------------------------------------------------------------------------------

create table bank_closing (
    id         integer generated always as identity primary key,
    run_id     integer not null references payout_run,
    difference bigint not null,                   -- cents that were explained and not nil
    reason     text,
    closed_by  text not null,
    closed_at  timestamptz not null default now(),
    constraint a_difference_is_explained check (difference = 0 or coalesce(reason, '') <> '')
);
create index bank_closing_by_run on bank_closing (run_id, id);

-- ---------------------------------------------------------------------------------------------------------------
-- Guards
-- ---------------------------------------------------------------------------------------------------------------

-- Statements and shares change in their state only, and what is settled stays.
create function bank_state_moves_forward() returns trigger
language plpgsql set search_path = atouts, pg_temp as $$
declare
    decided constant text[] := array['state', 'decided_by', 'decided_at', 'decision'];
begin
    if to_jsonb(old) - decided <> to_jsonb(new) - decided or (old.state, new.state) not in (
        ('open', 'settled'), ('open', 'replaced'), ('open', 'refused'), ('open', 'waiting'),
        ('refused', 'settled'), ('refused', 'waiting'), ('refused', 'replaced'),
        ('waiting', 'settled'), ('waiting', 'replaced'),
        ('quarantined', 'dismissed'))
    then
        raise exception 'a % does not go from % to %', tg_table_name, old.state, new.state
            using errcode = 'check_violation', constraint = 'bank_states_follow';
    end if;
    return new;
end $$;
create trigger bank_state_moves_forward before update on bank_statement for each row execute function bank_state_moves_forward();
create trigger bank_state_moves_forward before update on bank_share for each row execute function bank_state_moves_forward();

create function bank_conflict_settles_once() returns trigger
language plpgsql set search_path = atouts, pg_temp as $$
begin
    if old.settled_at is not null or to_jsonb(old) - array['settled_by', 'settled_at', 'decision']
       <> to_jsonb(new) - array['settled_by', 'settled_at', 'decision'] then
        raise exception 'a conflict is settled once' using errcode = 'check_violation', constraint = 'bank_states_follow';
    end if;
    return new;
end $$;
create trigger bank_conflict_settles_once before update on bank_status_conflict
    for each row execute function bank_conflict_settles_once();

-- The live shares of an entry add up to it. An entry is divided anew in two statements (the old shares end, new ones come), so
-- the first of them is looked at when the transaction ends.
create function bank_refuse_shares(entry bigint) returns void
language plpgsql set search_path = atouts, pg_temp as $$
begin
    raise exception 'the shares of bank entry % do not add up to it', entry
        using errcode = 'check_violation', constraint = 'bank_shares_add_up';
end $$;

create function bank_shares_add_up() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    perform bank_refuse_shares(e.id)
       from bank_entry e
       join bank_share s on s.entry_id = e.id and s.state <> 'replaced'
      where e.id in (select entry_id from added)
      group by e.id having sum(s.amount) <> e.amount;
    return null;
end $$;
create trigger bank_shares_add_up after insert on bank_share referencing new table as added
    for each statement execute function bank_shares_add_up();

create function bank_shares_still_add_up() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    if (select coalesce(sum(s.amount), 0) from bank_share s where s.entry_id = new.entry_id and s.state <> 'replaced')
       <> (select e.amount from bank_entry e where e.id = new.entry_id)
    then
        perform bank_refuse_shares(new.entry_id);
    end if;
    return null;
end $$;
create constraint trigger bank_shares_still_add_up after update on bank_share
    deferrable initially deferred for each row when (new.state = 'replaced') execute function bank_shares_still_add_up();

-- What the statements of each account come to: the balance before the first, after the last, and all that their entries moved.
create view bank_position as
    select account,
           (array_agg(opening order by last_day, sequence nulls first, page nulls first, created_at, id))[1] as opening,
           (array_agg(closing order by last_day desc, sequence desc nulls last, page desc nulls last, created_at desc, id desc))[1] as closing,
           sum(booked)::bigint as booked
      from bank_statement
     where state = 'taken' and kind = 'camt.053'
     group by account;

-- After an import the bank account in the books is the sum of the last closing balances.
create function bank_book_balance() returns bigint
language sql stable
begin atomic
    select coalesce((select sum(amount) from atouts.transfer where debit_account = 3000000000004), 0)::bigint
         - coalesce((select sum(amount) from atouts.transfer where credit_account = 3000000000004), 0)::bigint;
end;

create function bank_follows_its_statements() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
declare
    told constant bigint := (select coalesce(sum(closing), 0) from bank_position);
begin
    if bank_book_balance() <> told then
        raise exception 'the bank account in the books (%) is not what the statements say (%)', bank_book_balance(), told
            using errcode = 'check_violation', constraint = 'bank_follows_its_statements';
    end if;
    return null;
end $$;
create constraint trigger bank_follows_its_statements after insert on bank_import
    deferrable initially deferred for each row execute function bank_follows_its_statements();
-- A statement that was kept aside is taken when its file comes again, and that file is known already.
create constraint trigger bank_follows_its_statements after insert on bank_statement
    deferrable initially deferred for each row when (new.state = 'taken' and new.kind = 'camt.053')
    execute function bank_follows_its_statements();

create trigger append_only before update or delete or truncate on bank_import for each statement execute function refuse_change();
create trigger append_only before delete or truncate on bank_statement for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_release for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_adjustment for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_entry for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_detail for each statement execute function refuse_change();
create trigger append_only before delete or truncate on bank_share for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_share_payment for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_told for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_report for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_rejection for each statement execute function refuse_change();
create trigger append_only before delete or truncate on bank_status_conflict for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_closing for each statement execute function refuse_change();

grant select on bank_import, bank_statement, bank_release, bank_adjustment, bank_entry, bank_detail, bank_share, bank_share_payment,
    bank_told, bank_report, bank_rejection, bank_status_conflict, bank_closing to atouts_app;
grant insert (sha256, name, size, kind, version, message_id, created_at, imported_by) on bank_import to atouts_app;
grant insert (import_id, number, kind, account, statement_id, sequence, page, fingerprint, first_day, last_day, created_at, opening,
    closing, booked, entries, remarks, state) on bank_statement to atouts_app;
grant insert (statement_id, step, signed_by, reason) on bank_release to atouts_app;
grant insert (import_id, account, kind, amount) on bank_adjustment to atouts_app;
grant insert on bank_entry, bank_detail, bank_share, bank_share_payment, bank_report, bank_rejection to atouts_app;
grant insert (payment_id, direction, told_by, share_id, "references") on bank_told to atouts_app;
grant insert (import_id, payment_id, kind, sentence) on bank_status_conflict to atouts_app;
grant insert (run_id, difference, reason, closed_by) on bank_closing to atouts_app;
grant update (state, decided_by, decided_at, decision) on bank_statement to atouts_app;
grant update (state, decided_by, decided_at, decision) on bank_share to atouts_app;
grant update (settled_by, settled_at, decision) on bank_status_conflict to atouts_app;
grant select on bank_position to atouts_app;
grant usage on sequence bank_document to atouts_app;
