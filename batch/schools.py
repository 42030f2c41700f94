"""The directory of schools: a CSV or Excel file with the columns uai, nom, commune, one line per school."""

from dataclasses import dataclass
from pathlib import Path

from batch.french import counted
from batch.roster_cells import fold, read_uai
from batch.roster_file import RosterFile, UnreadableRoster

COLUMNS = ("uai", "nom", "commune")


@dataclass(frozen=True, slots=True)
class School:
    """One school, as the directory lists it."""

    uai: str
    name: str
    town: str


def read_schools(path: Path) -> list[School]:
    """Every school of the file. Raises `UnreadableRoster` with what is wrong in which lines; nothing is taken then."""
    lines = RosterFile(path).lines()
    header = [fold(title) for title in next(lines, (1, []))[1]]
    if missing := [name for name in COLUMNS if name not in header]:
        raise UnreadableRoster(f"« {path.name} » : il manque la colonne {', '.join(missing)}.")
    schools: dict[str, School] = {}
    faults = []
    for number, cells in lines:
        row = dict(zip(header, cells, strict=False))
        try:
            school = School(read_uai(row.get("uai", "")), row.get("nom", ""), row.get("commune", ""))
            if not school.name:
                raise ValueError("Le nom de l'établissement manque.")
            if school.uai in schools:
                raise ValueError(f"L'établissement {school.uai} est déjà plus haut dans le fichier.")
            schools[school.uai] = school
        except ValueError as error:
            faults.append(f"Ligne {number}. {error}")
    if faults:
        more = [f"… et {counted(len(faults) - 20, 'autre ligne')}."] if len(faults) > 20 else []
        raise UnreadableRoster("\n".join([f"« {path.name} », rien n'a été importé.", *faults[:20], *more]))
    if not schools:
        raise UnreadableRoster(f"« {path.name} » : aucun établissement sous la ligne d'en-tête.")
    return list(schools.values())
