-- Sales: what a till asked, what it was answered, and the one statement that does it.

-- The closed list of reasons for which a sale is refused, in the order in which they are looked at.
create type refusal as enum (
    'terminal_revoked', 'partner_not_validated', 'partner_suspended',
    'unknown_card', 'card_revoked', 'code_expired', 'student_not_enrolled',
    'product_not_covered', 'benefit_not_accepted', 'benefit_not_granted', 'deadline_passed',
    'price_above_real_cost', 'limit_reached', 'insufficient_balance', 'group_refused', 'key_reused'
);

-- One row per sale that was asked, accepted or not: a key that was answered once is answered the same way for ever.
create table sale (
    id           bigint generated always as identity primary key,
    key          uuid not null,                   -- the till's idempotency key; with the terminal and the place in the group
    terminal_id  integer not null,                -- it names one sale for ever
    item         smallint not null,               -- place in the group, from 1
    partner_id   integer not null,
    card_id      bigint,
    amount       bigint not null,                 -- cents debited (or held); 0 when refused
    request_hash bytea not null,                  -- SHA-256 of the request: same key, other request is a conflict
    asked_at     timestamptz not null default now(),
    held_until   timestamptz,                     -- a reservation, not yet a debit
    refusal      refusal,
    constraint refused_means_nothing_moved check (refusal is null or amount = 0),
    constraint one_sale_per_key unique (terminal_id, key, item)
);

create table sale_line (
    sale_id       bigint not null,
    ean           bigint not null,
    price         bigint not null,
    benefit       text,                           -- null when the partner does not sell the product
    wallet        bigint,                         -- null when no wallet was found
    balance_after bigint,                         -- what the student was told is left: available cents after the sale
    usable_until  timestamptz,                    -- what the student was told about the deadline
    line          smallint not null,
    refusal       refusal,
    primary key (sale_id, line)
);

create table hold (
    sale_id   bigint not null,
    line      smallint not null,
    wallet    bigint not null references account,
    amount    bigint not null check (amount > 0),
    expires_at timestamptz not null,
    closed_at timestamptz,
    outcome   text check (outcome in ('captured', 'voided', 'expired')),
    primary key (sale_id, line),
    constraint closed_with_an_outcome check ((closed_at is null) = (outcome is null))
);
create index open_hold_by_expiry on hold (expires_at) where closed_at is null;

-- What a till is told about one line of a sale; the same row for the first answer and for every replay.
create type answered_line as (
    sale_id bigint, item smallint, asked_at timestamptz, sale_refusal refusal, amount bigint, line smallint, ean bigint, price bigint,
    benefit text, balance_after bigint, usable_until timestamptz, line_refusal refusal, held_until timestamptz, replayed boolean
);

create function answered_sale(p_terminal integer, p_key uuid) returns setof answered_line
language sql stable security definer set search_path = atouts, pg_temp as $$
    select s.id, s.item, s.asked_at, s.refusal, s.amount, l.line, l.ean, l.price, l.benefit, l.balance_after, l.usable_until, l.refusal,
           s.held_until, true
      from sale s
      join sale_line l on l.sale_id = s.id
     where s.terminal_id = p_terminal and s.key = p_key
     order by s.item, l.line
$$;

create function is_enrolled(student bigint) returns boolean
language sql stable security definer set search_path = atouts, pg_temp as $$
    select exists (select from enrolment e join school_year y on y.year = e.school_year
                    where e.student_id = student and e.withdrawn_at is null and now() >= y.starts_at and now() < y.ends_at)
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- The hot path: 1..n sales in one round trip, debits and answers in one statement
-- ---------------------------------------------------------------------------------------------------------------
-- Each sale is accepted or refused for itself, or the whole group stands or falls together. A replay is answered before
-- anything that may have changed since is looked at. Wallets are locked in the order (student, benefit), so that two groups
-- which share students cannot deadlock. Two requests with one key at once meet at one_sale_per_key: the second fails with
-- unique_violation, changes nothing, and is answered from the first when the caller sends it again.

-- What the books know of each line that is asked, its wallet locked, and the first reason that speaks against it. No rows
-- without such a terminal. (A view with parameters: PostgreSQL writes it into the statements that ask it.)
create function looked_up(
    p_terminal integer, p_secret_hash bytea, p_cards bigint[], p_line_item smallint[], p_line_ean bigint[], p_line_price bigint[],
    p_code_refusals refusal[]
) returns table (
    n bigint, item smallint, ean bigint, price bigint, benefit text, usable_until timestamptz, school_year smallint,
    student_id bigint, partner_id integer, reason refusal, wallet bigint, available bigint
) language sql stable as $$
    select x.n, x.item, x.ean, x.price, x.benefit, x.usable_until, x.school_year, x.student_id, x.partner_id, x.reason, w.id, w.available
      from (select l.n, l.item, l.ean, l.price, o.benefit, b.id as benefit_id, b.usable_until, b.school_year,
                   c.student_id, t.partner_id,
                   case when t.revoked_at is not null then 'terminal_revoked'::refusal
                        when p.status = 'suspended' then 'partner_suspended'
                        when p.status <> 'validated' then 'partner_not_validated'
                        when c.id is null then coalesce(p_code_refusals[l.item], 'unknown_card')
                        when c.reason = 'student_not_enrolled' then 'student_not_enrolled'
                        when c.revoked_at is not null then 'card_revoked'
                        when o.ean is null then 'product_not_covered'
                        when o.benefit <> all (p.accepts) then 'benefit_not_accepted'
                        when now() >= b.usable_until then 'deadline_passed'
                        when l.price > o.real_cost then 'price_above_real_cost'
                        when l.price > p.sale_limit then 'limit_reached' end as reason
              from terminal t
              join partner p on p.id = t.partner_id
             cross join unnest(p_line_item, p_line_ean, p_line_price) with ordinality l(item, ean, price, n)
              left join card c on c.id = p_cards[l.item]
              left join offer o on o.partner_id = t.partner_id and o.ean = l.ean and o.withdrawn_at is null
              left join benefit b on b.code = o.benefit and now() >= b.usable_from and now() < b.replaced_at
             where t.id = p_terminal and (p_secret_hash is null or t.secret_hash = p_secret_hash)
             order by c.student_id, b.id, l.n) x
      left join lateral (select a.id, a.balance - a.held as available
                           from account a
                          where a.owner_id = x.student_id and a.benefit_id = x.benefit_id
                            for no key update) w on true
$$;

-- The reason for which a line is refused, if any, where `left_after` cents would be left in its wallet.
create function verdict(reason refusal, wallet bigint, left_after numeric, student bigint) returns refusal
language sql stable as $$
    select case when reason is not null then reason
                when wallet is not null then case when left_after < 0 then 'insufficient_balance'::refusal end
                when is_enrolled(student) then 'benefit_not_granted'
                else 'student_not_enrolled' end
$$;

-- The plan is made once (planning anew cost four times what the statement does), and may be made when tables are still
-- empty: it goes by the indexes whatever their size. Most sales are one licence: they take plain statements, because to
-- set up the windows and tables of the large one takes longer than to do all that a sale does.
create function sell(
    p_terminal       integer,
    p_secret_hash    bytea,                       -- null: the caller has authenticated the person at the till itself
    p_key            uuid,
    p_request_hash   bytea,
    p_cards          bigint[],                    -- one per sale; null where the code told no card
    p_line_item      smallint[],                  -- place in p_cards of the sale that the line belongs to, ascending
    p_line_ean       bigint[],
    p_line_price     bigint[],                    -- cents
    p_all_or_nothing boolean default false,
    p_held_until     timestamptz default null,    -- reserve instead of debit
    p_code_refusals  refusal[] default null       -- one per sale: why the code told no card, where that is known
) returns setof answered_line
language plpgsql security definer set search_path = atouts, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off as $$
#variable_conflict use_column
declare
    first_hash bytea;
    asked      record;
    refused    refusal;
    number     bigint;
begin
    select s.request_hash into first_hash from sale s where s.terminal_id = p_terminal and s.key = p_key and s.item = 1;
    if found then
        if first_hash <> p_request_hash then
            raise exception 'key % was used for another request', p_key using errcode = 'unique_violation', constraint = 'key_reused';
        end if;
        return query select * from answered_sale(p_terminal, p_key);
        return;
    end if;

    if cardinality(p_line_ean) = 1 and p_held_until is null then
        select * into asked
          from looked_up(p_terminal, p_secret_hash, p_cards, p_line_item, p_line_ean, p_line_price, p_code_refusals);
        if not found then
            raise exception 'unknown terminal' using errcode = 'invalid_authorization_specification';
        end if;
        refused := verdict(asked.reason, asked.wallet, asked.available - asked.price, asked.student_id);
        if refused is null then
            asked.available := asked.available - asked.price;
        end if;
        insert into sale (key, terminal_id, item, partner_id, card_id, amount, request_hash, refusal)
        values (p_key, p_terminal, asked.item, asked.partner_id, p_cards[asked.item],
                case when refused is null then asked.price else 0 end, p_request_hash, refused)
        returning id into number;
        insert into sale_line (sale_id, line, ean, price, benefit, wallet, balance_after, usable_until, refusal)
        values (number, 1, asked.ean, asked.price, asked.benefit, asked.wallet, asked.available, asked.usable_until, refused);
        if refused is null then
            insert into transfer (debit_account, credit_account, amount, document, line, kind, school_year)
            values (asked.wallet, 2000000000000 + asked.partner_id, asked.price, number, 1, 'sale', asked.school_year);
        end if;
        return next row(number, asked.item, now(), refused, case when refused is null then asked.price else 0 end, 1::smallint,
                        asked.ean, asked.price, asked.benefit, asked.available, asked.usable_until, refused, null, false)::answered_line;
        return;
    end if;

    return query
    with seen as materialized (
        select *, nextval('sale_id_seq') as number
          from looked_up(p_terminal, p_secret_hash, p_cards, p_line_item, p_line_ean, p_line_price, p_code_refusals)
    ), taken as (
        -- By sale: of two cards of one student at most one is live, and what the other asks for takes nothing.
        select *, available - sum(price) over (partition by wallet, item order by n) as left_after from seen
    ), judged as (
        select *, verdict(reason, wallet, left_after, student_id) as own_reason from taken
    ), gathered as (
        select *, min(own_reason) over of_sale as sale_reason, sum(price) over of_sale as total,
               min(number) over of_sale as sale_id, (n - min(n) over of_sale + 1)::smallint as line,
               p_all_or_nothing and count(own_reason) over () > 0 as group_fails
          from judged
        window of_sale as (partition by item)
    ), decided as materialized (
        select *, case when sale_reason is null and group_fails then 'group_refused' else sale_reason end as refused,
               case when sale_reason is null and not group_fails then left_after else available end as balance_after,
               case when sale_reason is null and not group_fails then total else 0 end as amount
          from gathered
    ), new_sale as (
        insert into sale (id, key, terminal_id, item, partner_id, card_id, amount, request_hash, held_until, refusal)
        overriding system value
        select sale_id, p_key, p_terminal, item, partner_id, p_cards[item], amount, p_request_hash, p_held_until, refused
          from decided where line = 1
    ), new_line as (
        insert into sale_line (sale_id, line, ean, price, benefit, wallet, balance_after, usable_until, refusal)
        select sale_id, line, ean, price, benefit, wallet, balance_after, usable_until, own_reason from decided
    ), new_transfer as (
        insert into transfer (debit_account, credit_account, amount, document, line, kind, school_year)
        select wallet, 2000000000000 + partner_id, price, sale_id, line, 'sale', school_year
          from decided where refused is null and p_held_until is null
    ), new_hold as (
        insert into hold (sale_id, line, wallet, amount, expires_at)
        select sale_id, line, wallet, price, p_held_until
          from decided where refused is null and p_held_until is not null
    )
    select sale_id, item, now(), refused, amount::bigint, line, ean, price, benefit, balance_after::bigint, usable_until, own_reason,
           p_held_until, false
      from decided order by n;
    if not found then
        raise exception 'unknown terminal' using errcode = 'invalid_authorization_specification';
    end if;
end $$;

-- ---------------------------------------------------------------------------------------------------------------
-- Holds: authorise, then capture or void, or let expire
-- ---------------------------------------------------------------------------------------------------------------

create function hold_reserves() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        update account set held = held + new.amount where id = new.wallet;
    elsif old.closed_at is null and new.closed_at is not null and (new.sale_id, new.line, new.wallet, new.amount, new.expires_at)
          = (old.sale_id, old.line, old.wallet, old.amount, old.expires_at) then
        update account set held = held - new.amount where id = new.wallet;
    else
        raise exception 'a hold can only be closed, once' using errcode = 'insufficient_privilege';
    end if;
    return null;
end $$;
create trigger hold_reserves after insert or update on hold for each row execute function hold_reserves();
create trigger append_only before delete or truncate on hold for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on sale for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on sale_line for each statement execute function refuse_change();

-- How its partner ended a hold: the same request is answered the same way for ever.
create table hold_closing (
    sale_id      bigint primary key references sale,
    origin       text not null,                   -- 'terminal:7' or 'person:12': with the key it names one request
    key          uuid not null,
    request_hash bytea not null,
    outcome      text not null check (outcome in ('captured', 'voided')),
    amount       bigint not null check (amount > 0),
    closed_at    timestamptz not null default now(),
    constraint one_closing_per_key unique (origin, key)
);
create trigger append_only before update or delete or truncate on hold_closing for each statement execute function refuse_change();

-- One row per cancellation asked (whole sale, or some lines): its transfers are its lines.
create table cancellation (
    id           bigint generated always as identity primary key,
    sale_id      bigint not null references sale,
    origin       text not null,                   -- 'terminal:7' or 'person:12': with the key it names one cancellation
    key          uuid not null,
    request_hash bytea not null,
    reason       text not null default '',
    refunded     bigint not null check (refunded > 0),
    lapsed       bigint not null default 0,       -- part that came after the deadline and lapsed at once
    asked_at     timestamptz not null default now(),
    constraint one_cancellation_per_key unique (origin, key)
);
create index cancellation_of_sale on cancellation (sale_id);

-- What the till was told of each line: the same answer for every replay.
create table cancellation_line (
    cancellation_id bigint not null references cancellation,
    line            smallint not null,
    benefit         text not null,
    amount          bigint not null check (amount > 0),
    balance_after   bigint not null,
    usable_until    timestamptz not null,
    primary key (cancellation_id, line)
);
create trigger append_only before update or delete or truncate on cancellation_line
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on cancellation for each statement execute function refuse_change();

-- A school's purchase for many students, as it was decided on before the first of them was debited. It is carried out as
-- sales of up to 100 students each, under keys that follow from this one: whatever stops it, it goes on where it stopped.
create table group_purchase (
    key            uuid primary key,
    partner_id     integer not null references partner,
    terminal_id    integer not null references terminal,
    label          text not null,
    all_or_nothing boolean not null,
    cards          bigint[] not null,
    line_item      smallint[] not null,           -- place in cards of the student that the line is for, ascending
    line_ean       bigint[] not null,
    line_price     bigint[] not null,             -- cents
    asked_by       text not null,
    asked_at       timestamptz not null default now(),
    constraint students_are_counted check (cardinality(cards) between 1 and case when all_or_nothing then 100 else 2000 end),
    constraint every_line_has_a_price check (cardinality(line_item) = cardinality(line_ean) and cardinality(line_ean) = cardinality(line_price))
);
create index group_purchase_by_partner on group_purchase (partner_id, asked_at);
create trigger append_only before update or delete or truncate on group_purchase for each statement execute function refuse_change();

grant select on sale, sale_line, hold, hold_closing, cancellation, cancellation_line, group_purchase to atouts_app;
grant update (closed_at, outcome) on hold to atouts_app;
grant insert (sale_id, origin, key, request_hash, outcome, amount) on hold_closing to atouts_app;
grant insert (sale_id, origin, key, request_hash, reason, refunded, lapsed) on cancellation to atouts_app;
grant insert on cancellation_line to atouts_app;
grant insert (key, partner_id, terminal_id, label, all_or_nothing, cards, line_item, line_ean, line_price, asked_by)
    on group_purchase to atouts_app;
