-- The scheme: school years and their benefits, schools, students, partners, terminals, cards, what partners sell.
-- Names and birth dates stand apart (student_identity): the books and the sales know a student by an opaque number.

create table school_year (
    year      smallint primary key,               -- 2026 is 2026-2027
    starts_at timestamptz not null,
    ends_at   timestamptz not null,
    constraint year_has_days check (starts_at < ends_at)
);

create table benefit (
    id           smallint generated always as identity primary key,
    school_year  smallint not null references school_year,
    code         text not null,                   -- 'books', 'equipment'
    label        text not null,                   -- French, as users read it
    usable_from  timestamptz not null,            -- from here on, this year's wallets are the ones that pay
    usable_until timestamptz not null,            -- first instant at which they no longer can
    replaced_at  timestamptz not null,            -- when the next school year's take over
    constraint benefit_once_a_year unique (school_year, code),
    constraint benefit_has_days check (usable_from < usable_until and usable_until <= replaced_at)
);

-- What a student of one stream receives: rows per year, because the Region has changed an amount for one year before.
create table entitlement (
    benefit_id       smallint not null references benefit,
    stream           text not null,
    first_entry_only boolean not null default false,
    amount           bigint not null,
    primary key (benefit_id, stream),
    constraint stream_is_known check (stream in ('general', 'technological', 'vocational')),
    constraint amount_is_positive check (amount > 0)
);

create table school (
    id   integer generated always as identity primary key,
    uai  text not null unique check (uai ~ '^\d{7}[A-Z]$'),
    name text not null,
    town text not null
);

create table student (
    id          bigint generated always as identity primary key,
    national_id text unique,                      -- null once the student has been erased
    created_at  timestamptz not null default now()
);

create table student_identity (
    student_id bigint primary key references student,
    last_name  text not null,
    first_name text not null,
    birth_date date not null,
    email      text
);

create table enrolment (
    student_id   bigint not null references student,
    school_year  smallint not null references school_year,
    school_id    integer not null references school,
    class_name   text not null,
    stream       text not null check (stream in ('general', 'technological', 'vocational')),
    programme    text not null,                   -- as the roster says it: CAP, MFR, bac pro ...
    first_entry  boolean not null,
    withdrawn_at timestamptz,
    primary key (student_id, school_year)
);
create index enrolment_by_class on enrolment (school_id, school_year, class_name);

create table card (
    id         bigint primary key,                -- 60 random bits, printed in the code
    student_id bigint not null references student,
    key_id     smallint not null,
    issued_at  timestamptz not null default now(),
    revoked_at timestamptz,
    reason     text,
    constraint card_id_has_60_bits check (id between 0 and 1152921504606846975)
);
create unique index one_live_card on card (student_id) where revoked_at is null;

-- ---------------------------------------------------------------------------------------------------------------
-- Partners
-- ---------------------------------------------------------------------------------------------------------------

create type partner_status as enum ('draft', 'submitted', 'validated', 'refused', 'suspended');

create table partner (
    id              integer generated always as identity primary key,
    siret           text not null unique check (siret ~ '^\d{14}$'),
    uai             text not null unique check (uai ~ '^\d{7}[A-Z]$'),
    name            text not null,
    town            text not null,
    representative  text not null,                -- who signs for the school
    email           text not null,
    phone           text not null,
    status          partner_status not null default 'submitted',
    status_reason   text,
    accepts         text[] not null default '{books}',    -- benefit codes
    sale_limit      bigint not null default 50000 check (sale_limit > 0),   -- cents, one sale
    submitted_at    timestamptz not null default now(),
    decided_at      timestamptz,
    decided_by      text
);

create table partner_bank_account (
    id          integer generated always as identity primary key,
    partner_id  integer not null references partner,
    iban        text not null check (iban ~ '^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$'),
    bic         text,
    holder      text not null,
    asked_at    timestamptz not null default now(),
    asked_by    text not null,
    accepted_at timestamptz,
    accepted_by text,
    usable_from timestamptz,                      -- end of the cool-off
    ended_at    timestamptz,
    constraint two_people_change_an_iban check (accepted_by is null or accepted_by <> asked_by),
    constraint accepted_by_somebody check ((accepted_at is null) = (accepted_by is null))
);
create unique index one_current_bank_account on partner_bank_account (partner_id)
    where accepted_at is not null and ended_at is null;

create table terminal (
    id           integer generated always as identity primary key,
    partner_id   integer not null references partner,
    name         text not null,
    secret_hash  bytea not null unique check (length(secret_hash) = 32),
    paired_at    timestamptz not null default now(),
    revoked_at   timestamptz
);

create table pairing_code (
    code_hash  bytea primary key check (length(code_hash) = 32),
    partner_id integer not null references partner,
    created_by text not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);

-- A text as people type it into a search: without accents, ligatures, capitals and curly apostrophes. The extension
-- unaccent is not everywhere, and not for us to install.
create function folded(words text) returns text language sql immutable strict parallel safe
return lower(regexp_replace(
    normalize(
        replace(replace(replace(replace(replace(words, 'œ', 'oe'), 'Œ', 'OE'), 'æ', 'ae'), 'Æ', 'AE'), '’', ''''), nfkd),
    '[\u0300-\u036f]', '', 'g'));               -- the accents, which NFKD has set apart

create table product (
    ean       bigint primary key check (ean between 10000000 and 9999999999999),
    title     text not null,
    publisher text not null,
    benefit   text not null,                      -- benefit code that pays for it
    searched  text not null generated always as (folded(title || ' ' || publisher)) stored
);

-- What a partner may charge: the real cost of the licence, as its purchase invoice says it.
create table offer (
    partner_id       integer not null references partner,
    ean              bigint not null references product,
    benefit          text not null,
    real_cost        bigint not null check (real_cost > 0),        -- cents
    supplier         text,
    invoice_number   text,
    invoice_date     date,
    withdrawn_at     timestamptz,
    created_at       timestamptz not null default now(),
    primary key (partner_id, ean)
);

-- ---------------------------------------------------------------------------------------------------------------
-- Who did what: one row per action that touches money, bank details, rights or personal data
-- ---------------------------------------------------------------------------------------------------------------

create table audit_event (
    id      bigint generated always as identity primary key,
    at      timestamptz not null default now(),
    actor   text not null,                        -- 'person:12', 'terminal:7', 'job:payouts', 'student:4711'
    action  text not null,
    subject text not null,                        -- 'partner:3', 'payout_run:2026-38' ...
    details jsonb not null default '{}'
);
create index audit_by_subject on audit_event (subject, id);
create index audit_by_actor on audit_event (actor, id);
create trigger append_only before update or delete or truncate on audit_event
    for each statement execute function refuse_change();

-- A partner has its account in the books from its first day.
create function partner_opens_account() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    insert into account (id, owner_id) values (2000000000000 + new.id, new.id);
    return null;
end $$;
create trigger partner_opens_account after insert on partner for each row execute function partner_opens_account();

-- The application writes what it is told, column by column. It does not choose the numbers, the instants and the first state of
-- what it enters: that is the table's own to say; and what says whose it is stays as it was written: no till, card or account is
-- moved to somebody else.
grant select on school_year, benefit, entitlement, school, student, student_identity, enrolment, card, partner,
    partner_bank_account, terminal, pairing_code, product, offer, audit_event to atouts_app;
grant insert on school_year, entitlement, student_identity, product to atouts_app;
grant insert (school_year, code, label, usable_from, usable_until, replaced_at) on benefit to atouts_app;
grant insert (uai, name, town) on school to atouts_app;
grant insert (national_id) on student to atouts_app;
grant insert (student_id, school_year, school_id, class_name, stream, programme, first_entry) on enrolment to atouts_app;
grant insert (id, student_id, key_id) on card to atouts_app;
grant insert (siret, uai, name, town, representative, email, phone, accepts) on partner to atouts_app;
grant insert (partner_id, iban, bic, holder, asked_by) on partner_bank_account to atouts_app;
grant insert (partner_id, name, secret_hash) on terminal to atouts_app;
grant insert (code_hash, partner_id, created_by, expires_at) on pairing_code to atouts_app;
grant insert (partner_id, ean, benefit, real_cost, supplier, invoice_number, invoice_date) on offer to atouts_app;
grant insert (actor, action, subject, details) on audit_event to atouts_app;
grant update (name, town) on school to atouts_app;
grant update (siret, uai, name, town, representative, email, phone, accepts, status, status_reason, submitted_at, decided_at, decided_by)
    on partner to atouts_app;
grant update (national_id) on student to atouts_app;
grant update (school_id, class_name, stream, programme, first_entry, withdrawn_at) on enrolment to atouts_app;
grant update (revoked_at, reason) on card to atouts_app;
grant update (accepted_at, accepted_by, usable_from, ended_at) on partner_bank_account to atouts_app;
grant update (secret_hash, revoked_at) on terminal to atouts_app;
grant update (used_at) on pairing_code to atouts_app;
grant update (benefit, real_cost, supplier, invoice_number, invoice_date, withdrawn_at) on offer to atouts_app;
grant update (last_name, first_name, birth_date, email), delete on student_identity to atouts_app;
