-- The weekly payouts: which transfers a run pays, to whom, who approved it, which bytes went to the bank.
--
-- What one transaction promised, the next one must find: runs, payments, held amounts and lines are written once, when a run
-- is frozen, and never change; what happens to a run afterwards is a row in payout_step, and only that moves its state.
-- A transfer of the books is claimed by its number, in at most one live line; so it is paid at most once, whatever runs twice.

-- ---------------------------------------------------------------------------------------------------------------
-- Bank accounts of partners (partner_bank_account is in 0002_scheme): changed by two people, after a call
-- ---------------------------------------------------------------------------------------------------------------

-- Where a partner could be reached, and since when: whoever means to change an account first changes the number that is called.
create table partner_contact (
    id         bigint generated always as identity primary key,
    partner_id integer not null references partner,
    email      text not null,
    phone      text not null,
    since      timestamptz not null default now()
);
create index partner_contact_by_partner on partner_contact (partner_id, id);

create function partner_contact_is_noted() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    if tg_op = 'INSERT' or (old.email, old.phone) <> (new.email, new.phone) then
        insert into partner_contact (partner_id, email, phone) values (new.id, new.email, new.phone);
    end if;
    return null;
end $$;
create trigger partner_contact_is_noted after insert or update of email, phone on partner
    for each row execute function partner_contact_is_noted();

create table bank_account_call (
    account_id integer primary key references partner_bank_account,
    phone      text not null,
    spoke_with text not null check (spoke_with <> ''),
    called_by  text not null,
    called_at  timestamptz not null default now()
);

-- The number called is the one given at sign-up, or one known for thirty days when the change was asked.
create function bank_account_call_is_to_a_known_number() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    if not exists (
        select from partner_bank_account a join partner_contact c on c.partner_id = a.partner_id
         where a.id = new.account_id and regexp_replace(c.phone, '\D', '', 'g') = regexp_replace(new.phone, '\D', '', 'g')
           and (c.since <= a.asked_at - interval '30 days'
                or c.id = (select min(id) from partner_contact f where f.partner_id = a.partner_id)))
    then
        raise exception 'this number was not known before the change was asked'
            using errcode = 'check_violation', constraint = 'call_a_known_number';
    end if;
    return new;
end $$;
create trigger bank_account_call_is_to_a_known_number before insert on bank_account_call
    for each row execute function bank_account_call_is_to_a_known_number();

-- Verification of payee: what the bank says of name and IBAN.
create table bank_account_check (
    id         bigint generated always as identity primary key,
    account_id integer not null references partner_bank_account,
    result     text not null check (result in ('match', 'close_match', 'no_match', 'not_possible')),
    found_name text,                              -- with a close match, the holder's name as the bank has it
    checked_by text not null,
    checked_at timestamptz not null default now()
);
create index bank_account_check_by_account on bank_account_check (account_id, id);

-- An account to which nothing is paid until somebody has looked at it: after a return, mostly.
create table bank_account_block (
    id         bigint generated always as identity primary key,
    account_id integer not null references partner_bank_account,
    reason     text not null check (reason <> ''),
    blocked_by text not null,
    blocked_at timestamptz not null default now(),
    lifted_by  text,
    lifted_at  timestamptz,
    constraint lifted_by_somebody check ((lifted_by is null) = (lifted_at is null))
);
create unique index one_open_block on bank_account_block (account_id) where lifted_at is null;
create index bank_account_block_by_account on bank_account_block (account_id);

create function bank_account_block_lifts_once() returns trigger
language plpgsql set search_path = atouts, pg_temp as $$
begin
    if old.lifted_at is not null then
        raise exception 'block % has been lifted by %', old.id, old.lifted_by using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger bank_account_block_lifts_once before update on bank_account_block
    for each row execute function bank_account_block_lifts_once();

create index bank_account_by_partner on partner_bank_account (partner_id, id);
create index current_bank_account_by_iban on partner_bank_account (iban) where accepted_at is not null and ended_at is null;
create unique index one_pending_bank_account on partner_bank_account (partner_id) where accepted_at is null and ended_at is null;

create function bank_account_is_guarded() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp set enable_seqscan = off as $$
declare
    changes constant boolean := exists (select from partner_bank_account o
                                         where o.partner_id = new.partner_id and o.id <> new.id and o.accepted_at is not null);
begin
    if tg_op = 'UPDATE' and (
        (old.partner_id, old.iban, old.holder, old.asked_by, old.asked_at)
        <> (new.partner_id, new.iban, new.holder, new.asked_by, new.asked_at)
        or old.bic is distinct from new.bic or old.ended_at is not null
        or (old.accepted_at is not null and (old.accepted_at, old.accepted_by, old.usable_from)
                                            is distinct from (new.accepted_at, new.accepted_by, new.usable_from)))
    then
        raise exception 'a bank account does not change: ask for a new one' using errcode = 'insufficient_privilege';
    end if;
    if changes and new.accepted_at is not null and (tg_op = 'INSERT' or old.accepted_at is null) then
        if new.usable_from is null or not exists (select from bank_account_call c where c.account_id = new.id) then
            raise exception 'bank account % replaces another one: it needs a call to the known number and a cool-off', new.id
                using errcode = 'check_violation', constraint = 'a_change_needs_a_call';
        end if;
    end if;
    return new;
end $$;
create trigger bank_account_is_guarded before insert or update on partner_bank_account
    for each row execute function bank_account_is_guarded();
create trigger bank_accounts_stay before delete or truncate on partner_bank_account
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_account_call
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on bank_account_check
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on partner_contact
    for each statement execute function refuse_change();
create trigger append_only before delete or truncate on bank_account_block
    for each statement execute function refuse_change();

-- ---------------------------------------------------------------------------------------------------------------
-- Runs
-- ---------------------------------------------------------------------------------------------------------------

create type payout_state as enum (
    'draft',                                      -- being written, inside the transaction that freezes it
    'frozen', 'approved', 'generated', 'transmitted',
    'booked', 'partial', 'rejected',              -- what the bank did with the file
    'reconciled',
    'refused',                                    -- by an accountant or approver; everything is free again
    'empty'                                       -- the week owed nothing that could be paid
);

create table payout_run (
    id              integer generated always as identity primary key,
    reference       text not null unique,         -- '2026-W36', '2026-W36-2' after a refusal, '2026-W36-X1' out of turn
    weekly          boolean not null,
    cutoff          timestamptz not null,         -- the first instant that it no longer pays
    settled_through bigint not null,              -- transfers up to this number were looked at; none can appear below any more
    state           payout_state not null default 'draft',
    payer           jsonb not null,               -- name, IBAN and BIC of the account that pays
    bank_profile    jsonb not null,               -- how the bank wants its file
    amount_limit    bigint not null,              -- cents: above it the run cannot be approved
    advance_ceiling bigint check (advance_ceiling > 0),   -- cents that the paying account may have advanced; null: no such ceiling
    payments        integer not null default 0,
    amount          bigint not null default 0,    -- cents: the sum of the payments
    carried         bigint not null default 0,    -- cents: net at or below zero, or too little; the next run takes it over
    held            bigint not null default 0,    -- cents: owed, and kept back for a reason
    owed            bigint not null default 0,    -- cents: all that is owed at the cut-off and not in an earlier run
    flags           text[] not null default '{}',
    content_hash    bytea check (length(content_hash) = 32),   -- see ledger/payouts/content.py
    seal_number     bigint references seal,       -- the latest seal when it was frozen
    prepared_by     text not null,
    prepared_at     timestamptz not null default now(),
    constraint owed_is_accounted_for check (owed = amount + carried + held),
    constraint only_what_is_past check (cutoff <= prepared_at),
    constraint frozen_with_a_hash check (state = 'draft' or content_hash is not null)
);
create unique index one_live_run_per_week on payout_run (cutoff) where weekly and state <> 'refused';

create table payout_payment (
    id                 bigint generated always as identity primary key,   -- the document of its transfers in the books
    run_id             integer not null references payout_run,
    line               integer not null check (line > 0),
    partner_id         integer not null references partner,
    bank_account_id    integer not null references partner_bank_account,
    name               text not null,             -- from here on, as they were when the run was frozen
    iban               text not null,
    bic                text,
    siren              text not null check (siren ~ '^\d{9}$'),
    amount             bigint not null check (amount > 0),
    transfers          integer not null check (transfers > 0),
    transfers_digest   text not null,             -- SHA-256 over number and amount of each transfer that it pays
    reissue            smallint not null default 0,                       -- how often the bank has sent (part of) it back
    flags              text[] not null default '{}',
    state              text not null default 'planned',
    end_to_end_id      text unique,               -- given with the file
    state_reason       text,                      -- ISO code of a rejection or return
    state_at           timestamptz not null default now(),
    constraint one_payment_per_partner_and_run unique (run_id, partner_id),
    constraint one_payment_per_line unique (run_id, line),
    constraint state_is_known check (state in ('planned', 'issued', 'booked', 'rejected', 'returned', 'withdrawn')),
    constraint issued_with_an_id check ((state in ('planned', 'withdrawn')) = (end_to_end_id is null))
);
create index payout_payment_by_partner on payout_payment (partner_id, id);

create table payout_held (
    run_id     integer not null references payout_run,
    partner_id integer not null references partner,
    amount     bigint not null,
    transfers  integer not null,
    reason     text not null check (reason in (
                   'nothing_due', 'below_minimum',
                   'partner_suspended', 'partner_not_validated', 'no_bank_account', 'bank_account_cooling_off',
                   'bank_account_blocked', 'iban_wrong', 'name_unwritable', 'payee_is_payer', 'above_payment_limit',
                   'above_weekly_limit')),
    carried    boolean generated always as (reason in ('nothing_due', 'below_minimum')) stored,
    primary key (run_id, partner_id)
);

-- No foreign keys: they would lock, and so write, half a million rows of the books for every run. A statement trigger joins
-- each new line with its transfer and its payment instead; neither of them ever goes.
create table payout_line (
    transfer_id bigint not null,
    payment_id  bigint not null,
    amount      bigint not null,                  -- cents: above zero for a sale, below for a refund
    live        boolean not null default true     -- false once its run was refused
);
create index payout_line_by_payment on payout_line (payment_id);
create unique index transfer_in_one_live_line on payout_line (transfer_id) where live;

-- Where to begin looking for what is owed to a partner: every transfer of its account up to this number that a run can pay is
-- in a live line. A mark for speed, not for truth: what it says is proved each time that it moves up.
create table payout_horizon (
    partner_id integer primary key references partner,
    through    bigint not null
);

-- What is owed to a partner between two numbers and in no live line: all that moved its account, save the payouts themselves.
-- Sales, amounts that came back and debts given up are owed to it; refunds are owed by it. (`offset 0` has each transfer looked
-- up in the index of lines, never joined with a table that may have been empty when the plan was made.)
create function open_transfers(p_partner integer, p_after bigint, p_until bigint)
returns table (transfer_id bigint, posted_at timestamptz, amount bigint)
language sql stable
begin atomic
    select t.id, t.posted_at, t.amount
      from atouts.transfer t
     where t.credit_account = 2000000000000 + p_partner and t.kind <> 'payout'
       and t.id > p_after and t.id <= p_until
       and not exists (select from atouts.payout_line l where l.transfer_id = t.id and l.live offset 0)
    union all
    select t.id, t.posted_at, -t.amount
      from atouts.transfer t
     where t.debit_account = 2000000000000 + p_partner and t.kind <> 'payout'
       and t.id > p_after and t.id <= p_until
       and not exists (select from atouts.payout_line l where l.transfer_id = t.id and l.live offset 0);
end;

-- The payments of a run whose partner or account is not any more what it was when the run was frozen.
create function payout_outdated(p_run integer)
returns table (line integer, partner_name text, why text)
language sql stable
begin atomic
    select p.line, s.name, case when s.status <> 'validated' then 'status' when a.ended_at is not null then 'ended' else 'blocked' end
      from atouts.payout_payment p
      join atouts.partner s on s.id = p.partner_id
      join atouts.partner_bank_account a on a.id = p.bank_account_id
     where p.run_id = p_run
       and (s.status <> 'validated' or a.ended_at is not null
            or exists (select from atouts.bank_account_block b where b.account_id = a.id and b.lifted_at is null))
     order by p.line;
end;

-- What a run may pay of the advance that its account holds, null where that has no ceiling: what is on the account by the
-- bank's statements (the whole advance, before the first one), less what has left in files and is not booked, less what the runs
-- before it and those that are approved have yet to pay. Money above the ceiling does not raise it.
create function payout_advance_left(p_run integer)
returns bigint
language sql stable
begin atomic
    select least(r.advance_ceiling,
                 coalesce((select -sum(e.amount)::bigint from atouts.entry e where e.account_id = 3000000000004),
                          r.advance_ceiling)
                 - (select coalesce(sum(e.amount), 0)::bigint from atouts.entry e where e.account_id = 3000000000003)
                 - (select coalesce(sum(o.amount), 0)::bigint from atouts.payout_run o
                     where o.id <> r.id and (o.state = 'approved' or o.state = 'frozen' and o.id < r.id)))
      from atouts.payout_run r
     where r.id = p_run and r.advance_ceiling is not null;
end;

create table payout_approval (
    run_id       integer not null references payout_run,
    person_id    integer not null references person,
    content_hash bytea not null,
    approved_at  timestamptz not null default now(),
    primary key (run_id, person_id)
);

create table payout_file (
    run_id         integer primary key references payout_run,
    message_number integer not null unique,       -- 1, 2, 3 ... without a gap
    message_id     text not null unique,
    created_at     timestamptz not null,          -- as the file says, to the second
    execution_date date not null,
    name           text not null unique,
    size           bigint not null check (size > 0),
    sha256         bytea not null check (length(sha256) = 32)
);

-- The bytes, in pieces, so that neither writing nor reading them takes memory.
create table payout_file_part (
    run_id  integer not null references payout_file,
    part    integer not null check (part > 0),
    content bytea not null,
    primary key (run_id, part)
);

create table payout_transmission (
    id          bigint generated always as identity primary key,
    run_id      integer not null references payout_file,
    channel     text not null check (channel in ('directory', 'download')),
    destination text not null,
    sha256      bytea not null,
    begun_by    text not null,
    begun_at    timestamptz not null default now(),
    finished_at timestamptz                       -- null: it may have left, or not; the same bytes are sent again
);
create index payout_transmission_by_run on payout_transmission (run_id, id);

-- The story of a run: each row takes it from its state to the next one.
create table payout_step (
    id     bigint generated always as identity primary key,
    run_id integer not null references payout_run,
    state  payout_state not null,
    actor  text not null,
    reason text,
    at     timestamptz not null default now()
);
create index payout_step_by_run on payout_step (run_id, id);

-- ---------------------------------------------------------------------------------------------------------------
-- Guards: each of the promises above
-- ---------------------------------------------------------------------------------------------------------------
-- What looks at many rows goes by the indexes, row by row, however large the tables seem when it is planned: half a million
-- lines may come to a table that was empty then.

create function payout_refuse(promise text, message text) returns void
language plpgsql set search_path = atouts, pg_temp as $$
begin
    raise exception '%', message using errcode = 'check_violation', constraint = promise;
end $$;

-- A run is written whole in the transaction that freezes it; afterwards nothing can be added to it.
create function payout_content_is_frozen() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    if exists (select from added a join payout_run r on r.id = a.run_id where r.state <> 'draft') then
        perform payout_refuse('frozen_runs_do_not_change', 'a frozen run does not change: refuse it and prepare another');
    end if;
    return null;
end $$;
create trigger payout_content_is_frozen after insert on payout_payment referencing new table as added
    for each statement execute function payout_content_is_frozen();
create trigger payout_content_is_frozen after insert on payout_held referencing new table as added
    for each statement execute function payout_content_is_frozen();

-- A draft is held until the transaction ends, so whoever freezes it counts what was added to it meanwhile.
create function payout_lines_claim_transfers() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    perform from payout_run where state = 'draft' for key share;
    if exists (
        select from added a
          left join payout_payment p on p.id = a.payment_id
          left join payout_run r on r.id = p.run_id
          left join transfer t on t.id = a.transfer_id
         where r.state is distinct from 'draft' or not a.live or t.id is null or t.posted_at >= r.cutoff
            or t.kind = 'payout'
            or not case 2000000000000 + p.partner_id
                   when t.credit_account then a.amount = t.amount
                   when t.debit_account then a.amount = -t.amount
                   else false end)
    then
        perform payout_refuse('lines_claim_what_is_owed',
                              'a line pays a transfer of its partner, before the cut-off, with its whole amount');
    end if;
    return null;
end $$;
create trigger payout_lines_claim_transfers after insert on payout_line referencing new table as added
    for each statement execute function payout_lines_claim_transfers();

-- Lines only die with their run, by its refusal; the horizon goes back with them.
create function payout_line_ends() returns trigger
language plpgsql set search_path = atouts, pg_temp as $$
begin
    if (old.transfer_id, old.payment_id, old.amount) <> (new.transfer_id, new.payment_id, new.amount) or new.live or not old.live then
        perform payout_refuse('lines_die_with_their_run', 'a line ends when its run is refused, and does not change otherwise');
    end if;
    return new;
end $$;
create trigger payout_line_ends before update on payout_line for each row execute function payout_line_ends();

create function payout_lines_thaw() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    if exists (select from (select distinct payment_id from freed) f
                 join payout_payment p on p.id = f.payment_id join payout_run r on r.id = p.run_id where r.state <> 'refused') then
        perform payout_refuse('lines_die_with_their_run', 'a line ends when its run is refused, and does not change otherwise');
    end if;
    update payout_horizon h set through = least(h.through, f.lowest - 1)
      from (select payment_id, min(transfer_id) as lowest from freed group by payment_id) f
      join payout_payment p on p.id = f.payment_id
     where h.partner_id = p.partner_id;
    return null;
end $$;
create trigger payout_lines_thaw after update on payout_line referencing new table as freed
    for each statement execute function payout_lines_thaw();

-- The horizon of a partner moves up only past what is claimed, and only in transactions that see what others have posted since.
create function payout_horizon_is_proved() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    before bigint := 0;
begin
    if tg_op = 'UPDATE' then
        before := old.through;
    end if;
    if current_setting('transaction_isolation') <> 'read committed' or (tg_op = 'UPDATE' and new.partner_id <> old.partner_id)
       or new.through > (select last_value from transfer_number)
       or (new.through > before and exists (select from open_transfers(new.partner_id, before, new.through)))
    then
        perform payout_refuse('horizon_is_proved', 'something below this horizon is owed and in no run');
    end if;
    return null;
end $$;
create trigger payout_horizon_is_proved after insert or update on payout_horizon
    for each row execute function payout_horizon_is_proved();

-- Who approves: two people with that right, who read the hash that the run has, who did not prepare it, and who had no hand in
-- any bank account that it pays to.
create function payout_approval_is_independent() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
declare
    run payout_run;
    approver constant text := 'person:' || new.person_id;
begin
    select * into run from payout_run where id = new.run_id for update;
    if run.state is distinct from 'frozen' then
        perform payout_refuse('only_frozen_runs_are_approved', format('run %s is %s', run.reference, run.state));
    elsif new.content_hash <> run.content_hash then
        perform payout_refuse('approval_is_of_the_content', 'the hash approved is not the run''s hash');
    elsif run.amount > run.amount_limit then
        perform payout_refuse('run_within_its_limit', format('run %s is above the limit of a run', run.reference));
    elsif run.amount > payout_advance_left(run.id) then
        perform payout_refuse('run_within_the_advance', format('run %s is above what is left of the advance', run.reference));
    elsif exists (select from payout_outdated(run.id)) then
        perform payout_refuse('payees_are_current', format('a payee of run %s has changed', run.reference));
    elsif run.prepared_by = approver then
        perform payout_refuse('maker_is_not_checker', format('%s prepared the run', approver));
    elsif exists (select from payout_payment p join partner_bank_account a on a.id = p.bank_account_id
                    left join bank_account_call c on c.account_id = a.id
                   where p.run_id = run.id
                     and (approver in (a.asked_by, a.accepted_by, c.called_by)
                          or exists (select from bank_account_block b where b.account_id = a.id and b.lifted_by = approver))) then
        perform payout_refuse('no_hand_in_its_accounts', format('%s had a hand in a bank account of the run', approver));
    elsif not exists (select from person p join role_grant g on g.person_id = p.id
                       where p.id = new.person_id and p.status = 'active' and g.role = 'payment_approver') then
        perform payout_refuse('approver_has_the_role', format('%s is no payment approver', approver));
    end if;
    return new;
end $$;
create trigger payout_approval_is_independent before insert on payout_approval
    for each row execute function payout_approval_is_independent();

-- The bytes are written once, for an approved run, under the next number.
create function payout_file_is_next() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    if (select state from payout_run where id = new.run_id for update) is distinct from 'approved' then
        perform payout_refuse('only_approved_runs_are_written', 'a file is made for an approved run');
    elsif exists (select from payout_outdated(new.run_id)) then
        perform payout_refuse('payees_are_current', 'a payee has changed since the run was frozen');
    elsif new.message_number <> (select coalesce(max(message_number), 0) + 1 from payout_file) then
        perform payout_refuse('messages_without_gap', 'messages are numbered without a gap');
    end if;
    return new;
end $$;
create trigger payout_file_is_next before insert on payout_file for each row execute function payout_file_is_next();

create function payout_file_is_whole() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    if (select state from payout_run where id = new.run_id for key share) is distinct from 'approved' then
        perform payout_refuse('bytes_are_written_once', 'the file of a run is written once');
    end if;
    return new;
end $$;
create trigger payout_file_is_whole before insert on payout_file_part for each row execute function payout_file_is_whole();

create function payout_transmission_is_of_the_file() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        if old.finished_at is not null or (old.id, old.run_id, old.channel, old.destination, old.sha256, old.begun_by, old.begun_at)
           <> (new.id, new.run_id, new.channel, new.destination, new.sha256, new.begun_by, new.begun_at) then
            perform payout_refuse('transmissions_finish_once', 'a transmission is finished once and does not change otherwise');
        end if;
    elsif new.sha256 is distinct from (select f.sha256 from payout_file f where f.run_id = new.run_id) then
        perform payout_refuse('only_the_file_leaves', 'these bytes are not those of the run''s file');
    end if;
    return new;
end $$;
create trigger payout_transmission_is_of_the_file before insert or update on payout_transmission
    for each row execute function payout_transmission_is_of_the_file();

-- Payments move by what the bank says, in steps that make sense; everything else of them stays as it was frozen.
create function payout_payment_moves() returns trigger
language plpgsql set search_path = atouts, pg_temp as $$
begin
    if to_jsonb(old) - '{state,state_at,state_reason,end_to_end_id}'::text[]
       <> to_jsonb(new) - '{state,state_at,state_reason,end_to_end_id}'::text[]
       or (old.end_to_end_id is not null and old.end_to_end_id is distinct from new.end_to_end_id)
       or (old.state, new.state) not in (('planned', 'issued'), ('planned', 'withdrawn'), ('issued', 'booked'), ('issued', 'rejected'),
                                         ('issued', 'returned'), ('booked', 'returned'))
    then
        perform payout_refuse('payments_move_forward', 'a payment does not change, and its state only goes forward');
    end if;
    return new;
end $$;
create trigger payout_payment_moves before update on payout_payment for each row execute function payout_payment_moves();

create function payout_run_moves_by_steps() returns trigger
language plpgsql set search_path = atouts, pg_temp as $$
begin
    if new.state = 'draft' and (tg_op = 'INSERT' or (old.state = 'draft' and old.id = new.id)) then
        return new;
    elsif tg_op = 'UPDATE' and pg_trigger_depth() > 1 and to_jsonb(new) - 'state' = to_jsonb(old) - 'state' then
        return new;
    end if;
    raise exception 'a run does not change; its state moves by payout_step' using errcode = 'insufficient_privilege';
end $$;
create trigger payout_run_moves_by_steps before insert or update on payout_run
    for each row execute function payout_run_moves_by_steps();

create function payout_step_moves_run() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    run payout_run;
begin
    select * into run from payout_run where id = new.run_id for update;
    if (run.state, new.state) not in (
        ('draft', 'frozen'), ('draft', 'empty'), ('frozen', 'approved'), ('frozen', 'refused'), ('approved', 'refused'),
        ('approved', 'generated'), ('generated', 'transmitted'),
        ('transmitted', 'booked'), ('transmitted', 'partial'), ('transmitted', 'rejected'),
        ('booked', 'partial'), ('booked', 'reconciled'), ('partial', 'reconciled'), ('rejected', 'reconciled'),
        ('reconciled', 'partial'))
    then
        perform payout_refuse('states_follow', format('run %s cannot go from %s to %s', run.reference, run.state, new.state));
    end if;

    case new.state
    when 'frozen', 'empty' then
        if (new.state = 'empty') <> (run.payments = 0)
           or (run.payments, run.amount) <> (select count(*), coalesce(sum(amount), 0) from payout_payment where run_id = run.id)
           or exists (select from payout_payment p
                       where p.run_id = run.id
                         and (p.transfers, p.amount) <> (select count(*), sum(l.amount) from payout_line l where l.payment_id = p.id))
           or (run.carried, run.held) <> (select coalesce(sum(amount) filter (where carried), 0),
                                                 coalesce(sum(amount) filter (where not carried), 0)
                                            from payout_held where run_id = run.id)
        then
            perform payout_refuse('run_adds_up', format('run %s does not add up', run.reference));
        end if;
    when 'approved' then
        if (select count(*) from payout_approval where run_id = run.id) < 2 then
            perform payout_refuse('two_people_approve', format('run %s needs the approval of two people', run.reference));
        end if;
    when 'refused' then
        if coalesce(new.reason, '') = '' then
            perform payout_refuse('a_refusal_has_a_reason', 'a refusal says why');
        end if;
    when 'generated' then
        if not exists (select from payout_file f
                        where f.run_id = run.id
                          and (f.sha256, f.size) = (select sha256(string_agg(content, '' order by part)), sum(length(content))
                                                      from payout_file_part where run_id = run.id))
           or exists (select from payout_payment p
                       where p.run_id = run.id
                         and (p.state <> 'issued'
                              or not exists (select from transfer t
                                              where t.kind = 'payout' and t.document = p.id and t.line = 1
                                                and t.debit_account = 2000000000000 + p.partner_id and t.amount = p.amount)))
        then
            perform payout_refuse('file_and_books_together', format('run %s needs its file and its transfers', run.reference));
        end if;
    when 'transmitted' then
        if not exists (select from payout_transmission where run_id = run.id and finished_at is not null) then
            perform payout_refuse('transmission_is_recorded', format('run %s was not handed over', run.reference));
        end if;
    else
        null;
    end case;

    update payout_run set state = new.state where id = run.id;
    if new.state = 'refused' then
        update payout_payment set state = 'withdrawn', state_at = new.at where run_id = run.id;
        update payout_line l set live = false from payout_payment p where p.run_id = run.id and l.payment_id = p.id;
    end if;
    return new;
end $$;
create trigger payout_step_moves_run before insert on payout_step for each row execute function payout_step_moves_run();

create trigger append_only before delete or truncate on payout_run for each statement execute function refuse_change();
create trigger append_only before delete or truncate on payout_payment for each statement execute function refuse_change();
create trigger append_only before delete or truncate on payout_line for each statement execute function refuse_change();
create trigger append_only before delete or truncate on payout_horizon for each statement execute function refuse_change();
create trigger append_only before delete or truncate on payout_transmission for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on payout_held for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on payout_approval for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on payout_file_part for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on payout_file for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on payout_step for each statement execute function refuse_change();

grant select on payout_run, payout_payment, payout_held, payout_line, payout_approval, payout_file, payout_file_part,
    payout_transmission, payout_step, payout_horizon, partner_contact, bank_account_call, bank_account_check, bank_account_block
    to atouts_app;
grant insert (reference, weekly, cutoff, settled_through, payer, bank_profile, amount_limit, advance_ceiling, seal_number, prepared_by)
    on payout_run to atouts_app;
grant insert (run_id, line, partner_id, bank_account_id, name, iban, bic, siren, amount, transfers, transfers_digest, reissue, flags)
    on payout_payment to atouts_app;
grant insert (run_id, partner_id, amount, transfers, reason) on payout_held to atouts_app;
grant insert (transfer_id, payment_id, amount) on payout_line to atouts_app;
grant insert (run_id, person_id, content_hash) on payout_approval to atouts_app;
grant insert on payout_file, payout_file_part, payout_horizon to atouts_app;
grant insert (run_id, channel, destination, sha256, begun_by) on payout_transmission to atouts_app;
grant insert (run_id, state, actor, reason) on payout_step to atouts_app;
grant insert (account_id, phone, spoke_with, called_by) on bank_account_call to atouts_app;
grant insert (account_id, result, found_name, checked_by) on bank_account_check to atouts_app;
grant insert (account_id, reason, blocked_by) on bank_account_block to atouts_app;
grant update (payments, amount, carried, held, owed, flags, content_hash) on payout_run to atouts_app;
grant update (through) on payout_horizon to atouts_app;
grant update (state, end_to_end_id, state_reason, state_at) on payout_payment to atouts_app;
grant update (finished_at) on payout_transmission to atouts_app;
grant update (lifted_by, lifted_at) on bank_account_block to atouts_app;
