"""The letters of a sign-up: how to go on, what the Region asks and decides; and, to the Region, what has come."""

from collections.abc import Iterable

from sqlalchemy import Connection

from batch.letters import Letter, post

FOLLOW = "Ouvrir mon dossier"
KEEP = "Ce lien fonctionne pendant soixante jours ; il ouvre votre dossier à qui le détient, gardez-le pour vous."


def started(address: str) -> Letter:
    """To whoever has just opened a file."""
    return Letter(
        "Votre demande de partenariat Atouts Normandie",
        (
            "Votre demande est ouverte. Vous pouvez la remplir en plusieurs fois : tout est gardé à chaque étape.",
            "Ouvrir ce lien confirme aussi que cette adresse est bien la vôtre.",
        ),
        link=("Reprendre ma demande", address),
        after=(KEEP, "Un dossier qui n’est pas envoyé est effacé après trois mois sans visite."),
    )


def sent(school: str, address: str) -> Letter:
    """The file has reached the Region."""
    return Letter(
        f"Dossier reçu : {school}",
        (
            f"Nous avons reçu la demande de partenariat de {school}.",
            "Nous l’étudions et vous écrivons dès qu’une décision est prise, ou s’il nous manque quelque chose.",
        ),
        link=(FOLLOW, address),
        after=(KEEP,),
    )


def asked(school: str, question: str, address: str) -> Letter:
    """The Region has a question."""
    return Letter(
        f"Une question sur votre dossier : {school}",
        ("La Région vous écrit au sujet de votre demande de partenariat :", *_lines(question)),
        link=("Répondre dans mon dossier", address),
        after=(KEEP,),
    )


def given_back(school: str, reason: str, address: str) -> Letter:
    """The file has to be corrected."""
    return Letter(
        f"Votre dossier est à corriger : {school}",
        ("La Région vous demande de corriger votre dossier, puis de l’envoyer de nouveau :", *_lines(reason)),
        link=("Corriger mon dossier", address),
        after=(KEEP,),
    )


def validated(school: str) -> Letter:
    """The school is a partner."""
    return Letter(
        f"Partenariat validé : {school}",
        (
            f"{school} est partenaire Atouts Normandie et peut accepter l’avantage des élèves.",
            "La personne qui signe pour l’établissement reçoit un lien pour choisir son mot de passe ; elle invite "
            "ensuite son équipe et associe ses caisses dans l’espace partenaire.",
        ),
        after=(
            "Rappel de vos engagements : facturer le coût réel, dire à l’élève ce qui est débité et ce qui reste, et "
            "que le solde s’utilise jusqu’au 30 juin.",
        ),
    )


def refused(school: str, reason: str) -> Letter:
    """The Region says no."""
    return Letter(
        f"Demande de partenariat refusée : {school}",
        (f"La Région n’a pas retenu la demande de partenariat de {school}, pour cette raison :", *_lines(reason)),
        after=("Si vous pensez que c’est une erreur, écrivez-nous ou appelez-nous.",),
    )


def suspended(school: str, reason: str) -> Letter:
    """No sale from now on."""
    return Letter(
        f"Partenariat suspendu : {school}",
        (f"La Région a suspendu le partenariat de {school}, pour cette raison :", *_lines(reason)),
        after=("D’ici là, aucune vente n’est possible et les versements sont retenus.",),
    )


def reinstated(school: str) -> Letter:
    """Sales go on."""
    return Letter(
        f"Partenariat rétabli : {school}",
        (f"Le partenariat de {school} est rétabli : les ventes et les versements reprennent.",),
    )


def joined(school: str, address: str) -> Letter:
    """To somebody who has an account already and now works for one more school."""
    return Letter(
        f"Vous avez accès à l’espace de {school}",
        (f"Vous pouvez maintenant agir pour {school}, avec votre compte et votre mot de passe actuels.",),
        link=("Me connecter", address),
    )


def arrived(school: str, address: str) -> Letter:
    """To the Region's officers: a school has sent its file for the first time."""
    return Letter(
        f"Nouveau dossier : {school}",
        (f"{school} demande à devenir partenaire Atouts Normandie. Son dossier est complet et attend votre décision.",),
        link=("Étudier le dossier", address),
    )


def answered(school: str, address: str) -> Letter:
    """To the Region's officers: the school has written. Its words stay in the file: anybody may have typed them."""
    return Letter(
        f"Message à lire : {school}",
        (f"{school} a écrit à la Région au sujet de son dossier de partenariat.",),
        link=("Lire le message dans le dossier", address),
    )


def corrected(school: str, address: str) -> Letter:
    """To the Region's officers: a file that was given back has come again."""
    return Letter(
        f"Dossier corrigé : {school}",
        (f"{school} a corrigé son dossier de partenariat et l’a envoyé de nouveau. Il attend votre décision.",),
        link=("Étudier le dossier", address),
    )


def send_to(conn: Connection, letter: Letter, recipients: Iterable[str], *, purpose: str, fact: str) -> None:
    """Put the letter into the outbox for each recipient, once for this `fact`."""
    for recipient in recipients:
        post(conn, letter, recipient=recipient, purpose=purpose, dedup_key=f"{purpose}:{fact}:{recipient.lower()}")


def _lines(words: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in words.splitlines() if line.strip())
