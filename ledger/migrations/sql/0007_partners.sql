-- Sign-up of partner schools: the file they fill in (resumed by links sent by mail), its papers, the conversation about it,
-- and what the school committed itself to. The partner itself, once the file is sent, is in 0002_scheme.

alter table partner
    add column representative_role  text not null default '',    -- 'proviseur', 'directrice' ...
    add column representative_email text not null default '',    -- empty: the school's own address
    add column contact              text not null default '';    -- who is called about daily matters

create table sign_up (
    id              integer generated always as identity primary key,
    email           text not null,
    name            text not null,                -- who fills it in
    answers         jsonb not null default '{}',  -- by step; what was filled in so far
    partner_id      integer unique references partner,            -- null until sent for the first time
    started_at      timestamptz not null default now(),
    changed_at      timestamptz not null default now(),
    email_proved_at timestamptz,                  -- a link sent there was opened
    constraint email_looks_like_one check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' and length(email) <= 254)
);
create index sign_up_by_email on sign_up (lower(email));

-- Every mail about a file bears a link of its own; only the hash of what stands in it is kept.
create table sign_up_link (
    token_hash bytea primary key check (length(token_hash) = 32),
    sign_up_id integer not null references sign_up on delete cascade,
    expires_at timestamptz not null
);
create index sign_up_link_by_sign_up on sign_up_link (sign_up_id);

create table sign_up_document (
    id         integer generated always as identity primary key,
    sign_up_id integer not null references sign_up on delete cascade,
    kind       text not null check (kind in ('bank_slip', 'other')),
    name       text not null check (name <> '' and length(name) <= 120),
    media_type text not null check (media_type in ('application/pdf', 'image/png', 'image/jpeg')),
    sha256     bytea not null check (length(sha256) = 32),
    content    bytea not null check (length(content) between 1 and 5000000),
    added_at   timestamptz not null default now(),
    constraint same_paper_once unique (sign_up_id, kind, sha256)
);

create table sign_up_message (
    id          bigint generated always as identity primary key,
    sign_up_id  integer not null references sign_up,
    from_region boolean not null,
    author      text not null,                    -- actor, as in audit_event
    body        text not null check (body <> '' and length(body) <= 4000),
    written_at  timestamptz not null default now()
);
create index sign_up_message_by_sign_up on sign_up_message (sign_up_id, id);

-- Which promises of the scheme a partner accepted, in which version, and when.
create table partner_commitment (
    partner_id  integer not null references partner,
    version     text not null,
    code        text not null,
    accepted_at timestamptz not null,
    accepted_by text not null,
    primary key (partner_id, version, code)
);

create trigger append_only before update or delete or truncate on sign_up_message
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on partner_commitment
    for each statement execute function refuse_change();

-- Papers are taken away or forgotten while the file is being filled in; once it was sent they are evidence.
create function papers_sent_stay() returns trigger
language plpgsql security definer set search_path = atouts, pg_temp as $$
begin
    if exists (select from sign_up s join partner p on p.id = s.partner_id
                where s.id = old.sign_up_id and (p.status <> 'draft' or old.added_at <= p.submitted_at)) then
        raise exception 'document % was sent with its file', old.id
            using errcode = 'check_violation', constraint = 'papers_sent_stay';
    end if;
    return old;
end $$;
create trigger papers_sent_stay before delete on sign_up_document for each row execute function papers_sent_stay();

create index partner_by_status on partner (status, submitted_at);

grant select on sign_up, sign_up_link, sign_up_document, sign_up_message, partner_commitment to atouts_app;
grant insert (representative_role, representative_email, contact), update (representative_role, representative_email, contact)
    on partner to atouts_app;
grant insert (email, name), update (answers, partner_id, changed_at, email_proved_at), delete on sign_up to atouts_app;
grant insert on sign_up_link, partner_commitment to atouts_app;
grant insert (sign_up_id, kind, name, media_type, sha256, content), delete on sign_up_document to atouts_app;
grant insert (sign_up_id, from_region, author, body) on sign_up_message to atouts_app;
