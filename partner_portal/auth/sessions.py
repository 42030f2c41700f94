"""Sessions kept in Redis: the browser holds an opaque id and nothing else.

A session is one Redis string, so that writing it is atomic: a request that ends after its session was closed elsewhere
writes with XX and cannot bring it back. Redis keeps the SHA-256 of the id, so its dump opens no door.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask import Flask, Request, Response
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SessionInterface, SessionMixin
from redis import Redis
from werkzeug.datastructures import CallbackDict

ANONYMOUS_LIFETIME_S = 3600
TOUCH_EVERY_S = 60
"""How stale the recorded time of last use may be; it spares a write per request."""


class Session(CallbackDict[str, Any], SessionMixin):
    """What a browser is remembered by. `owner` is the actor who signed in ("person:12"), None before sign-in."""

    def __init__(self, data: dict[str, Any] | None = None, *, sid: str | None = None, now: float = 0) -> None:
        def touched(_: CallbackDict[str, Any]) -> None:
            self.modified = True

        super().__init__(data or {}, touched)
        self.sid = sid
        self.new = sid is None
        self.modified = False
        self.owner: str | None = None
        self.created = now
        self.seen = now
        self.agent = ""
        self.source = ""
        self.closed = False
        self.is_read_only = False


@dataclass(frozen=True)
class OpenSession:
    """One line of "where am I signed in": `reference` names it without opening it. Instants are seconds since 1970."""

    reference: str
    created: float
    seen: float
    agent: str
    source: str


def _digest(sid: str) -> str:
    return hashlib.sha256(sid.encode()).hexdigest()


class RedisSessions(SessionInterface):
    """Flask's sessions on Redis. `idle_s` without a request, or `absolute_s` since sign-in, ends a session."""

    serializer = TaggedJSONSerializer()

    def __init__(self, redis: Redis, *, idle_s: int, absolute_s: int, clock: Callable[[], float] = time.time) -> None:
        self.redis = redis
        self.idle_s = idle_s
        self.absolute_s = absolute_s
        self.clock = clock

    # -- Flask's side ------------------------------------------------------------------------------------------

    def open_session(self, app: Flask, request: Request) -> Session:
        """The browser's session, or a fresh one. A caller with a bearer token has none and costs no look-up."""
        now = self.clock()
        if "Authorization" in request.headers:
            session = Session(now=now)
            session.is_read_only = True
            return session
        found = self._read(request.cookies.get(self.get_cookie_name(app)), now)
        return Session(now=now) if found is None else found

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed, and hand out or take back the cookie."""
        if session is None:
            # Redis was away when the request came, and this is the answer that says so.
            return
        session = cast(Session, session)
        name = self.get_cookie_name(app)
        if session.accessed:
            response.vary.add("Cookie")
        if session.is_read_only:
            return
        is_worth_keeping = bool(session) or session.owner is not None or not session.new
        if session.closed or not is_worth_keeping:
            if session.closed:
                response.delete_cookie(
                    name, path="/", secure=self.get_cookie_secure(app), httponly=True, samesite="Lax"
                )
            return
        now = self.clock()
        is_due = now - session.seen >= TOUCH_EVERY_S
        if not (session.new or session.modified or is_due):
            return
        session.seen = now
        if session.sid is None:
            session.sid = secrets.token_urlsafe(32)
        if self._write(session, now) and session.new:
            response.set_cookie(
                name, session.sid, path="/", secure=self.get_cookie_secure(app), httponly=True, samesite="Lax"
            )

    # -- sign-in's side ----------------------------------------------------------------------------------------

    def sign_in(self, session: Session, owner: str, *, agent: str, source: str) -> None:
        """Make `session` that of `owner`, under a new id, so that whoever knew the old one holds nothing."""
        now = self.clock()
        self.renew(session)
        session.owner, session.agent, session.source = owner, agent, source
        session.created = session.seen = now

    def renew(self, session: Session) -> None:
        """Give `session` a new id, so that one planted in the browser beforehand is worth nothing."""
        self._drop(session)
        session.sid = None
        session.new = session.modified = True

    def sign_out(self, session: Session) -> None:
        """End `session` for good."""
        self._drop(session)
        session.clear()
        session.owner = None
        session.closed = True

    def sessions_of(self, owner: str) -> list[OpenSession]:
        """The open sessions of `owner`, the last used first."""
        found = []
        for reference in self._references(owner):
            raw = self.redis.get(self._key(reference))
            if raw is None:
                self.redis.srem(self._index(owner), reference)
                continue
            record = json.loads(raw)
            found.append(OpenSession(reference, record["created"], record["seen"], record["agent"], record["source"]))
        return sorted(found, key=lambda one: one.seen, reverse=True)

    def reference(self, session: Session) -> str | None:
        """The name of `session` in `sessions_of`."""
        return _digest(session.sid) if session.sid else None

    def end_one(self, owner: str, reference: str) -> bool:
        """End the session of `owner` called `reference`; whether there was one."""
        if not self.redis.srem(self._index(owner), reference):
            return False
        self.redis.delete(self._key(reference))
        return True

    def end_all(self, owner: str, *, but: Session | None = None) -> int:
        """Sign `owner` out everywhere, save from `but`; how many sessions ended."""
        kept = None if but is None else self.reference(but)
        return sum(self.end_one(owner, one.reference) for one in self.sessions_of(owner) if one.reference != kept)

    def _references(self, owner: str) -> list[str]:
        return [member.decode() for member in cast("set[bytes]", self.redis.smembers(self._index(owner)))]

    # -- Redis -------------------------------------------------------------------------------------------------

    @staticmethod
    def _key(digest: str) -> str:
        return f"atouts:session:{digest}"

    @staticmethod
    def _index(owner: str) -> str:
        return f"atouts:sessions-of:{owner}"

    def _read(self, sid: str | None, now: float) -> Session | None:
        raw = self.redis.get(self._key(_digest(sid))) if sid else None
        if raw is None:
            return None
        record = json.loads(raw)
        if self._lifetime(record["owner"], record["created"], now) <= 0 or now - record["seen"] > self._idle(
            record["owner"]
        ):
            return None
        session = Session(self.serializer.loads(record["data"]), sid=sid)
        session.owner, session.created, session.seen = record["owner"], record["created"], record["seen"]
        session.agent, session.source = record["agent"], record["source"]
        return session

    def _idle(self, owner: str | None) -> int:
        return self.idle_s if owner else ANONYMOUS_LIFETIME_S

    def _lifetime(self, owner: str | None, created: float, now: float) -> int:
        return int(created + (self.absolute_s if owner else ANONYMOUS_LIFETIME_S) - now)

    def _write(self, session: Session, now: float) -> bool:
        record = {
            "owner": session.owner,
            "created": session.created,
            "seen": session.seen,
            "agent": session.agent,
            "source": session.source,
            "data": self.serializer.dumps(dict(session)),
        }
        digest = _digest(str(session.sid))
        seconds = min(self._idle(session.owner), self._lifetime(session.owner, session.created, now))
        if seconds <= 0:
            return False
        written = self.redis.set(self._key(digest), json.dumps(record), ex=seconds, xx=not session.new)
        if written and session.new and session.owner:
            self.redis.sadd(self._index(session.owner), digest)
            self.redis.expire(self._index(session.owner), self.absolute_s)
        return bool(written)

    def _drop(self, session: Session) -> None:
        if session.sid is None or session.new:
            return
        digest = _digest(session.sid)
        self.redis.delete(self._key(digest))
        if session.owner:
            self.redis.srem(self._index(session.owner), digest)
