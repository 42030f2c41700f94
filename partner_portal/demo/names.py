"""Words the made-up Region is put together from.

Towns and first names are real. Schools are called after landscapes and publishers after nobody, so that no real school
or house is meant.
"""

# Department (as a UAI begins), then its towns with their postcodes.
TOWNS: dict[str, tuple[tuple[str, str], ...]] = {
    "014": (
        ("Caen", "14000"),
        ("Hérouville-Saint-Clair", "14200"),
        ("Lisieux", "14100"),
        ("Bayeux", "14400"),
        ("Vire Normandie", "14500"),
        ("Falaise", "14700"),
        ("Honfleur", "14600"),
        ("Trouville-sur-Mer", "14360"),
        ("Condé-en-Normandie", "14110"),
        ("Mézidon Vallée d'Auge", "14270"),
    ),
    "027": (
        ("Évreux", "27000"),
        ("Vernon", "27200"),
        ("Louviers", "27400"),
        ("Val-de-Reuil", "27100"),
        ("Bernay", "27300"),
        ("Pont-Audemer", "27500"),
        ("Les Andelys", "27700"),
        ("Gisors", "27140"),
        ("Verneuil d'Avre et d'Iton", "27130"),
    ),
    "050": (
        ("Cherbourg-en-Cotentin", "50100"),
        ("Saint-Lô", "50000"),
        ("Coutances", "50200"),
        ("Granville", "50400"),
        ("Avranches", "50300"),
        ("Valognes", "50700"),
        ("Carentan-les-Marais", "50500"),
        ("Saint-Hilaire-du-Harcouët", "50600"),
    ),
    "061": (
        ("Alençon", "61000"),
        ("Flers", "61100"),
        ("Argentan", "61200"),
        ("L'Aigle", "61300"),
        ("Mortagne-au-Perche", "61400"),
        ("La Ferté Macé", "61600"),
        ("Sées", "61500"),
        ("Domfront en Poiraie", "61700"),
    ),
    "076": (
        ("Rouen", "76000"),
        ("Le Havre", "76600"),
        ("Dieppe", "76200"),
        ("Sotteville-lès-Rouen", "76300"),
        ("Elbeuf", "76500"),
        ("Fécamp", "76400"),
        ("Yvetot", "76190"),
        ("Lillebonne", "76170"),
        ("Barentin", "76360"),
        ("Forges-les-Eaux", "76440"),
        ("Neufchâtel-en-Bray", "76270"),
        ("Eu", "76260"),
    ),
}

PLACES = (
    "des Falaises", "du Bocage", "de la Baie", "des Pommiers", "du Vieux Phare", "de l'Estran", "des Hautes Terres",
    "du Marais", "de la Forêt", "des Deux Rives", "du Clos Fleuri", "de l'Aubépine", "des Dunes", "du Grand Large",
    "de la Vallée", "des Chaumières", "du Moulin", "de l'Embarcadère", "des Peupliers", "de la Haute Plaine",
    "du Verger", "des Cormorans", "de la Pointe", "du Chemin Creux", "des Trois Sources", "de la Côte d'Albâtre",
    "du Pré Salé", "de l'Ormeraie", "des Goélands", "du Colombier", "de la Lande", "des Moissons",
)  # fmt: skip

STREETS = (
    "rue des Écoles", "avenue de la République", "rue du Lycée", "boulevard de la Mer", "rue des Tilleuls",
    "place du Marché", "route de la Plage", "rue de l'Abbaye", "chemin des Prés", "avenue du Général-Leclerc",
)  # fmt: skip

FIRST_NAMES = (
    "Emma", "Jade", "Louise", "Alice", "Chloé", "Inès", "Léa", "Manon", "Lina", "Zoé", "Camille", "Maëlys",
    "Éloïse", "Noémie", "Clémence", "Anaïs", "Héloïse", "Yasmine", "Aïcha", "Fatou", "Océane", "Margaux", "Lola",
    "Romane", "Juliette", "Agathe", "Apolline", "Gaëlle", "Lou-Anne", "Marie-Lou", "Anna", "Sofia", "Assia",
    "Célia", "Élise", "Jeanne", "Rose", "Thaïs", "Lilou", "Nour", "Mathilde", "Victoire", "Capucine", "Salomé",
    "Maïa", "Éva", "Ambre", "Gabriel", "Lucas", "Louis", "Hugo", "Jules", "Adam", "Raphaël", "Nathan", "Enzo",
    "Théo", "Noah", "Ethan", "Léo", "Arthur", "Maël", "Timéo", "Mathéo", "Gaspard", "Côme", "Loïc", "Yanis",
    "Ibrahim", "Mamadou", "Rayan", "Nolan", "Sacha", "Evan", "Baptiste", "Antoine", "Clément", "Maxime", "Tom",
    "Jean-Baptiste", "Pierre-Louis", "François", "Valentin", "Quentin", "Élie", "Anatole", "Augustin", "Kévin",
    "Dylan", "Mohamed", "Ilyès", "Naël", "Malo", "Axel", "Gauthier", "Ewen", "Titouan", "Marius", "Joël", "Benoît",
    "Édouard", "Mickaël", "Simon", "Paul", "Tiago", "Diego",
)  # fmt: skip

LAST_NAMES = (
    "Lefebvre", "Leroy", "Lemoine", "Hébert", "Duval", "Mauger", "Anquetil", "Lecomte", "Marie", "Langlois",
    "Lemarchand", "Leblond", "Vasseur", "Delamare", "Lesueur", "Lefèvre", "Picard", "Morel", "Dubois", "Martin",
    "Petit", "Robert", "Lelièvre", "Guérin", "Gosselin", "Jeanne", "Levavasseur", "Letellier", "Lebreton", "Lecoq",
    "Fouquet", "Bellanger", "Toutain", "Quesnel", "Lepage", "Leclerc", "Renault", "Dumont", "Osmont", "Hamel",
    "Tesson", "Poulain", "Pottier", "Le Gall", "Le Goff", "De La Mare", "D'Hondt", "N'Diaye", "Traoré", "Diallo",
    "Benali", "Haddad", "Nguyen", "Da Silva", "Pereira", "Fernández", "Kowalski", "Yılmaz", "Muñoz", "Rossi",
    "Müller", "Œuvrard", "Thézard", "Cœuret", "Aubry", "Bazin", "Bourdon", "Cauchois", "Crevel", "Dufour", "Fleury",
    "Gallais", "Hauville", "Houel", "Jouenne", "Lair", "Lamy", "Lecanu", "Ledoux", "Legrand", "Lenoir", "Lepetit",
    "Letourneur", "Levallois", "Louvel", "Mallet", "Malherbe", "Néel", "Noël", "Onfroy", "Paris", "Périer",
    "Prévost", "Renouf", "Roussel", "Savary", "Simon", "Tanguy", "Tiercelin", "Turgis", "Vallée", "Vauquelin",
    "Yon", "Bouchard-Lemaître", "Saint-Martin", "El Amrani", "Ben Youssef",
)  # fmt: skip

PUBLISHERS = (
    "Éditions de la Grande Marée", "Presses du Pré Salé", "Atelier Numérique Hastings", "Maison Colvert",
    "Éditions du Troisième Phare", "Savoirs & Vergers",
)  # fmt: skip

LYCEE_SUBJECTS = (
    ("Français", "2de"), ("Histoire-Géographie", "2de"), ("Mathématiques", "2de"), ("Physique-Chimie", "2de"),
    ("SVT", "2de"), ("SES", "2de"), ("Anglais", "2de"), ("Espagnol", "2de"), ("Allemand", "2de"), ("SNT", "2de"),
    ("Français", "1re"), ("Histoire-Géographie", "1re"), ("Mathématiques, spécialité", "1re"),
    ("Physique-Chimie, spécialité", "1re"), ("SVT, spécialité", "1re"), ("SES, spécialité", "1re"),
    ("HGGSP", "1re"), ("Enseignement scientifique", "1re"), ("Anglais", "1re"),
    ("Humanités, littérature et philosophie", "1re"), ("Philosophie", "Tle"), ("Histoire-Géographie", "Tle"),
    ("Mathématiques, spécialité", "Tle"), ("Mathématiques expertes", "Tle"), ("Physique-Chimie, spécialité", "Tle"),
    ("SVT, spécialité", "Tle"), ("NSI, spécialité", "Tle"), ("Anglais", "Tle"), ("Espagnol", "Tle"),
    ("Management", "1re STMG"), ("Droit et économie", "Tle STMG"), ("Innovation technologique", "1re STI2D"),
    ("Chimie, biologie", "1re ST2S"),
)  # fmt: skip

VOCATIONAL_SUBJECTS = (
    ("Français", "2de pro"), ("Histoire-Géographie-EMC", "2de pro"), ("Mathématiques", "2de pro"),
    ("Anglais", "bac pro"), ("Prévention santé environnement", "bac pro"), ("Économie-droit", "1re bac pro"),
    ("Économie-gestion", "bac pro"), ("Français", "CAP"), ("Mathématiques et physique-chimie", "CAP"),
    ("Histoire-Géographie", "CAP"), ("Technologie culinaire", "CAP cuisine"), ("Électrotechnique", "bac pro MELEC"),
    ("Biologie et écologie", "MFR"), ("Soins et services à la personne", "MFR"),
)  # fmt: skip

MAKERS = ("Manufacture du Chemin Creux", "Ateliers de l'Estran")

EQUIPMENT = (
    ("Chaussures de sécurité S3", 4990), ("Tenue de cuisine complète", 6200),
    ("Blouse de laboratoire en coton", 1890), ("Équipement de protection du soudeur", 8900),
    ("Mallette de coiffure individuelle", 9900), ("Veste et pantalon haute visibilité", 5450),
    ("Casque de chantier et lunettes", 2350), ("Gants de manutention", 690),
    ("Tenue professionnelle du service à la personne", 3900), ("Chaussures antidérapantes de restauration", 4200),
    ("Bottes et cotte de travail agricole", 5900), ("Trousse d'outils de l'électricien", 7500),
)  # fmt: skip
