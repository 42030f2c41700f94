-- Students' access to their own space, and what is written to them: receipts and reminders.

-- What a student chose to come back with. There is no row before the first activation by card and birth date.
create table student_access (
    student_id      bigint primary key references student,
    passcode_hash   text not null,
    chosen_at       timestamptz not null default now(),
    last_sign_in_at timestamptz,
    constraint passcode_is_argon2id check (passcode_hash like '$argon2id$%')
);
create index student_by_email on student_identity (lower(email)) where email is not null;

-- Reminders are wanted unless stopped. The token stands in the link of each reminder, and opens nothing else.
create table reminder_choice (
    student_id bigint primary key references student,
    token      uuid not null unique default gen_random_uuid(),
    stopped_at timestamptz
);

-- A reminder is claimed here in the transaction that puts its mail into the outbox: once, however often the job runs.
create table reminder_sent (
    student_id bigint not null references student,
    benefit_id smallint not null references benefit,
    days       smallint not null check (days > 0),   -- of the calendar in the settings: 60, 30, 7 days before
    sent_at    timestamptz not null default now(),
    primary key (student_id, benefit_id, days)
);

-- Up to which transfer receipts have been written; whoever writes some locks this row.
create table receipts_written (
    only_row boolean primary key default true check (only_row),
    through  bigint not null
);
insert into receipts_written (through) values (0);

-- Addresses that bounced, for the list of those who cannot be reached.
create index mail_refused on mail_outbox (recipient) where refused_at is not null;

grant select on student_access, reminder_choice, reminder_sent, receipts_written to atouts_app;
grant insert (student_id, passcode_hash), update (passcode_hash, chosen_at, last_sign_in_at), delete on student_access to atouts_app;
grant insert (student_id, stopped_at), update (stopped_at), delete on reminder_choice to atouts_app;
grant insert (student_id, benefit_id, days) on reminder_sent to atouts_app;
grant update (through) on receipts_written to atouts_app;
