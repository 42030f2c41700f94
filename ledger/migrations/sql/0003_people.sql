-- Portal users and what each of them may do. Tills are in 0002_scheme (terminal); students are not portal users.

create table person (
    id                integer generated always as identity primary key,
    email             text not null,                 -- as typed; compared without regard to case
    name              text not null,
    status            text not null default 'invited',
    password_hash     text,                          -- argon2id; null until chosen, or when a school's provider vouches
    totp_secret       text,                          -- encrypted with the portal's key, never in clear
    totp_confirmed_at timestamptz,                   -- null: enrolment was begun and not finished
    totp_last_step    bigint,                        -- the 30-second step of the last code taken: a code is good once
    created_at        timestamptz not null default now(),
    last_sign_in_at   timestamptz,
    constraint person_status_is_known check (status in ('invited', 'active', 'disabled')),
    constraint email_looks_like_one check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' and length(email) <= 254),
    constraint password_is_argon2id check (password_hash like '$argon2id$%'),
    constraint totp_is_confirmed_with_a_secret check (totp_confirmed_at is null or totp_secret is not null)
);
create unique index person_by_email on person (lower(email));

create type portal_role as enum (
    'partner_manager', 'partner_cashier',
    'region_officer', 'accountant', 'payment_approver', 'auditor', 'administrator'
);

create table role_grant (
    person_id  integer not null references person,
    role       portal_role not null,
    partner_id integer references partner,
    granted_at timestamptz not null default now(),
    granted_by text not null,                        -- actor, as in audit_event
    constraint partner_roles_name_a_partner check ((role in ('partner_manager', 'partner_cashier')) = (partner_id is not null)),
    constraint granted_once unique nulls not distinct (person_id, role, partner_id)
);
create index role_grant_by_partner on role_grant (partner_id) where partner_id is not null;

create table recovery_code (
    person_id integer not null references person,
    code_hash bytea not null check (length(code_hash) = 32),
    used_at   timestamptz,
    primary key (person_id, code_hash)
);

-- Links sent by mail. Only the hash of what stands in the link is kept; a link opens once.
create table mail_link (
    token_hash bytea primary key check (length(token_hash) = 32),
    person_id  integer not null references person,
    purpose    text not null check (purpose in ('invitation', 'reset')),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index mail_link_by_person on mail_link (person_id);

-- Who a school's identity provider says a person is. `subject` is unique within `issuer` and is never given again.
create table person_identity (
    issuer    text not null,
    subject   text not null,
    person_id integer not null references person,
    linked_at timestamptz not null default now(),
    primary key (issuer, subject)
);
create index person_identity_by_person on person_identity (person_id);

grant select on person, role_grant, recovery_code, mail_link, person_identity to atouts_app;
grant insert (email, name) on person to atouts_app;
grant insert (person_id, role, partner_id, granted_by), delete on role_grant to atouts_app;
grant insert (person_id, code_hash), delete on recovery_code to atouts_app;
grant insert (token_hash, person_id, purpose, expires_at) on mail_link to atouts_app;
grant insert (issuer, subject, person_id) on person_identity to atouts_app;
grant update (status, password_hash, totp_secret, totp_confirmed_at, totp_last_step, last_sign_in_at) on person to atouts_app;
grant update (used_at) on recovery_code to atouts_app;
grant update (used_at) on mail_link to atouts_app;
