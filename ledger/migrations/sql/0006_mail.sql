-- The outbox: a mail is written in the transaction that gives it a reason, and sent afterwards by a job.

create table mail_outbox (
    id              bigint generated always as identity primary key,
    recipient       text not null,
    subject         text not null check (subject !~ '[\r\n]'),
    body_text       text not null,
    body_html       text not null,
    unsubscribe_url text,                            -- where such mails are stopped without signing in, if they may be
    purpose         text not null,                   -- 'invitation', 'reset', 'remittance_advice' ...
    dedup_key       text not null unique,            -- one fact, one mail, however often the job that writes it runs
    created_at      timestamptz not null default now(),
    attempts        smallint not null default 0,
    next_attempt_at timestamptz not null default now(),
    handed_over_at  timestamptz,                     -- set before the mail goes to the server: from then on it may have left
    sent_at         timestamptz,                     -- the server took it
    refused_at      timestamptz,                     -- the server refused it for good
    last_error      text,
    constraint one_outcome check (sent_at is null or refused_at is null)
);
create index mail_due on mail_outbox (next_attempt_at)
    where sent_at is null and refused_at is null and handed_over_at is null;

grant select on mail_outbox to atouts_app;
grant insert (recipient, subject, body_text, body_html, unsubscribe_url, purpose, dedup_key) on mail_outbox to atouts_app;
grant update (attempts, next_attempt_at, handed_over_at, sent_at, refused_at, last_error) on mail_outbox to atouts_app;
