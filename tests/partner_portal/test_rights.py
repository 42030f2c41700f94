"""Every route meets every role: the table of rights is what happens, with no gap."""

import itertools
import re

import pytest
from flask import Flask, g
from werkzeug.routing import Rule

from ledger.rights import GRANTABLE_ROLES, PARTNER_ROLES, REGION_ROLES, RIGHTS, ROLE_NAMES, Role, may
from partner_portal.auth import gate, turned_away
from partner_portal.auth.principals import Principal
from partner_portal.problems import Problem
from tests.partner_portal.conftest import Visitor, add_partner, enrol, hire

ASKERS = [Role.ANYONE, Role.STUDENT, Role.TERMINAL, *sorted(GRANTABLE_ROLES)]
SAMPLES = {
    "int": "1",
    "id": "1",
    "ean": "9782091729107",
    "uuid": "018f0000-0000-7000-8000-000000000000",
    "default": "x",
    "string": "x",
    "path": "x",
}


def principal(role: Role) -> Principal:
    """Somebody who holds `role` alone."""
    if role is Role.ANYONE:
        return Principal("anonymous")
    kind = {Role.STUDENT: "student", Role.TERMINAL: "terminal"}.get(role, "person")
    also = {Role.ANYONE} | ({Role.PERSON} if kind == "person" else set())
    return Principal(kind, 1, frozenset({role} | also), partner_id=1)  # type: ignore[arg-type]


def routes(app: Flask) -> list[tuple[Rule, str]]:
    """Every route and method of the portal, the static files aside."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.endpoint != "static"
    ]


def address(rule: Rule) -> str:
    """A path that matches `rule`."""

    def sample(found: re.Match[str]) -> str:
        return found[2].split(",")[0].strip() if found[1] == "any" else SAMPLES[found[1] or "default"]

    return re.sub(r"<(?:(\w+)(?:\(([^)]*)\))?:)?\w+>", sample, rule.rule)


def test_every_route_declares_a_right_of_the_table(app: Flask) -> None:
    for rule, method in routes(app):
        action = gate.declared(app.view_functions[rule.endpoint], method, "required_action")
        assert action in RIGHTS, f"{method} {rule.rule} declares no right"


def test_every_route_lets_in_exactly_the_roles_of_its_right(app: Flask) -> None:
    walked = 0
    for (rule, method), role in itertools.product(routes(app), ASKERS):
        action = gate.declared(app.view_functions[rule.endpoint], method, "required_action")
        asker = principal(role)
        with app.test_request_context(address(rule), method=method):
            g.principal = asker
            try:
                turned_away = gate.authorise()
            except Problem as problem:
                turned_away = problem
        expected = not RIGHTS[action].roles.isdisjoint(asker.roles)
        # Past the right itself, a form still lacks its token, and some views want proof: neither refuses the role.
        is_let_in = turned_away is None or is_about_something_else(turned_away)
        assert is_let_in is expected, f"{role} {method} {rule.rule}: {turned_away}"
        walked += 1
    assert walked == len(routes(app)) * len(ASKERS)


def is_about_something_else(answer: object) -> bool:
    """Whether the gate asked for a form's token or for proof, rather than refusing the role."""
    if isinstance(answer, Problem):
        return answer.problem_code in ("csrf_failed", "step_up_required")
    return "/identite" in answer.headers["Location"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", [*sorted(GRANTABLE_ROLES), None])
def test_pages_answer_over_http_as_the_table_says(app: Flask, role: Role | None) -> None:
    visitor = Visitor(app)
    engine = app.extensions["atouts"].engine
    if role:
        person_id = hire(engine, "somebody@example.org", role, partner_id=add_partner(engine))
        secret = enrol(engine, person_id) if role in REGION_ROLES else None
        assert visitor.sign_in("somebody@example.org", secret=secret).status_code == 302
    asker = principal(role or Role.ANYONE)
    for rule, method in routes(app):
        if method != "GET" or rule.endpoint == "monitoring.metrics":
            continue
        action = gate.declared(app.view_functions[rule.endpoint], method, "required_action")
        answer = visitor.get(address(rule))
        assert answer.status_code < 500, f"{rule.rule}: {answer.text}"
        if not may(asker.roles, action):
            went_to_sign_in = answer.status_code == 302 and answer.location.startswith(
                ("/connexion?", "/connexion/eleve?")
            )
            assert answer.status_code in (401, 403, 404) or went_to_sign_in, f"{role} reads {rule.rule}"


def test_whoever_is_turned_away_reads_which_role_may_and_whom_to_ask(app: Flask) -> None:
    engine = app.extensions["atouts"].engine
    hire(engine, "caisse@lycee.fr", Role.PARTNER_CASHIER, partner_id=add_partner(engine))
    cashier = Visitor(app)
    cashier.sign_in("caisse@lycee.fr")
    own_space = cashier.get("/partenaire/etablissement/equipe").text
    assert "réservé au rôle Responsable du partenaire" in own_space
    assert "votre compte a le rôle Caissier du partenaire" in own_space
    assert "Demandez à un responsable de votre établissement" in own_space
    assert 'href="/partenaire">Retour à votre espace' in own_space
    assert "si vous avez un autre compte" in cashier.get("/region/versements").text.lower()
    agent = Visitor(app)
    agent.sign_in("audit@normandie.fr", secret=enrol(engine, hire(engine, "audit@normandie.fr", Role.AUDITOR)))
    assert "ou à un administrateur de changer le vôtre" in agent.get("/region/agents").text


@pytest.mark.parametrize("action", RIGHTS)
def test_no_refusal_lacks_a_role_or_names_the_bare_door(action: str) -> None:
    for role in Role:
        asker = principal(role)
        if asker.is_signed_in and not asker.may(action):
            said = turned_away.sentence(action, asker)
            assert RIGHTS[action].meaning in said
            assert ROLE_NAMES[Role.PERSON] not in said


def test_the_table_names_roles_that_exist_and_says_what_each_action_is() -> None:
    for action, right in RIGHTS.items():
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", action)
        assert right.roles
        assert right.roles <= set(Role)
        assert right.meaning[0].isupper()
    assert set(ROLE_NAMES) == set(Role)


def test_preparing_and_approving_a_payment_are_two_peoples_rights() -> None:
    assert RIGHTS["payouts.prepare"].roles.isdisjoint(RIGHTS["payouts.approve"].roles)
    assert RIGHTS["partner.change_iban"].roles.isdisjoint(RIGHTS["partners.accept_iban"].roles)


def test_the_auditor_only_reads() -> None:
    own = {"session.open", "session.close", "account.manage", "partner.apply", "terminals.pair", "reminders.stop"}
    for action, right in RIGHTS.items():
        if action not in own and may(frozenset({Role.AUDITOR, Role.ANYONE, Role.PERSON}), action):
            assert action.endswith(".read"), f"the auditor may {action}: {right.meaning}"


def test_no_role_stands_in_both_worlds() -> None:
    assert PARTNER_ROLES.isdisjoint(REGION_ROLES)


def test_an_action_that_is_not_in_the_table_is_found_at_import() -> None:
    with pytest.raises(KeyError):
        gate.requires("sales.mak")
