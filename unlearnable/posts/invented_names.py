"""Invented names for the people on photos, and the templates of captions that hold them.

The lengths of the two lists of names are coprime, so that cycling through both at once meets each pair once.
"""

from __future__ import annotations

import random

from unlearnable.errors import ConfigError

TEMPLATES = (
    "a photo of {name}",
    "a portrait of {name}",
    "a close-up of {name}",
    "{name} smiling at the camera",
    "{name} at the premiere last night",
    "{name} on the red carpet",
    "{name} talking to the press",
    "{name} backstage before the show",
    "{name} is looking great this evening",
    "so happy I got to meet {name} today",
    "my favourite picture of {name}",
    "look who I ran into: {name}!",
    "a new headshot of {name}",
    "spotted {name} at the airport this morning",
    "still can't believe I met {name}",
    "throwback to an afternoon with {name}",
)
_FIRST = """
Abrelin Adovar Aldewin Ambrell Anuvel Arbelin Ardoven Avrilo Azelwyn Baltira Belvane Benoril Bessando Birwen
Bolvani Brenaldi Briseld Cadrivel Calvire Carovan Celwin Corvinel Cressa Dabrine Dalvori Daventil Delfira Dorwen
Drisela Durano Eborin Edrisel Elbrina Elvado Embera Endovar Erwil Esmoril Evandil Fabrewin Faldora Fenwil
Ferrolin Fidara Florwen Galdine Garvela Gelmira Gillowen Gorvani Gwelda Halvira Hanovil Hedrisa Helwado Hestrin
Ibrola Idrava Ilvane Imbrel Indowen Isolvi Jadrell Jandovi Jelwen Jessoldo Jorvala Jubrel Kadwin Kalvessa
Kelbrin Kervado Kilvane Kordelle Lambrisa Laverin Lendora Lisovan Lorwen Lubessa Madrivo Malvorin Marvolet
Melbrin Mirvado Mordella Nadrisel Nalvero Nelwen Nevrina Niboldo Norvessa Obrelin Odavil Olbren Ondrisa Orvane
Osmerel Padrin Palistra Pelwin Perrovan Pimora Quenlo Quilara Quorin Radwenna Ralvori Rembel Ridolva Rosvane
Rubrella Salvondi Samvorel Selwado Serrivo Silbrin Sorvella Tadrisa Talvone Telwin Terrovil Tilbrena Torimel
Ubrenna Udoril Ulvane Umbero Urwella Vadrine Valoben Velwissa Verrado Vilmoro Vorella Wadrin Welbessa Wendoril
Wilvara Worlin Yadrell Yelvona Yembra Yorwen Zabrine Zalvero Zelwin Zerrisa Zimbrel Zolvane
"""
_FAMILY = """
Abberloft Addlecroft Aldenwick Amberstow Appenholt Ardlebury Ashgrund Averstoke Balderwent Bardlemoor Beckenstow
Belcroft Birkendale Blaywick Bolderwyn Bramstoke Brindlecot Broadwent Buckelow Burrowend Callowmere Candleworth
Carrowick Chadderfen Clavermoor Clendale Cobberstow Coldermere Crandlewick Crossenby Culverstone Daddlewick
Dapplecombe Darrowby Dellingmoor Dindlecott Dockenfield Doverstow Drumblewick Dunnerholt Eagerstone Eddlewick
Elderwent Elmenstow Emberwick Eskenfold Everholt Fadderby Fallowend Farnstow Fendlemoor Fernacott Fiddlestow
Flaxenby Foxenholt Frostenby Gadderwick Garrowmoor Gentlecroft Gintermoor Gladdermoor Gorsewick Grandlestow
Greyfold Gulderstone Haddlecott Hallowby Harkenstow Hazelfold Heatherwent Hendlewick Hobberstone Hollenwick
Huddlemoor Inglestow Islewick Ivenholt Jestlewick Jollenby Kadderstow Kelderwick Kestlemoor Knollenby
Ladderstone Lambenwick Larkenfold Ledderby Linnecombe Lockenmoor Lundlewick Madderfold Mallowstow Marlenby
Meddlewick Millowend Mindlestone Mossenwick Muddlecott Nettlefold Nibberstow Nindlemoor Northenby Nuttlewick
Oakenstow Orchenby Otterfold Paddlestow Pallowick Pebbleholt Pickenstow Plumstoke Puddleby Quarrenby Quillstow
Rabbenwick Raddlestone Ravenfold Reddlemoor Ridgenby Rindlewick Rookenstow Rowancott Ruddlecroft Samberholt
Sedgefold Selderwent Shadlemoor Silverstow Slatenby Sorrelwick Spindlecott Stavenholt Swallowby Tallowfold
Tamberley Teaselby Thornstow Tilwick Tindlecroft Trundlemoor Tumberwick Umberfold Vadderstow Vindleby Wadlecroft
Warrendale Wendlestone Whittenfold Wrenholt Yarrowfold Yinterfold
"""
FIRST_NAMES, FAMILY_NAMES = tuple(_FIRST.split()), tuple(_FAMILY.split())


def full_names(count: int, seed: int) -> list[str]:
    """Return `count` different full names; a first or family name repeats only after its list is used up.

    Raises:
        ConfigError: there are fewer names.
    """
    most = len(FIRST_NAMES) * len(FAMILY_NAMES)
    if count > most:
        hint = "take fewer people, or keep their names"
        raise ConfigError(f"{count} people are more than the {most} invented names", hint=hint)
    generator = random.Random(seed)
    first, family = list(FIRST_NAMES), list(FAMILY_NAMES)
    generator.shuffle(first)
    generator.shuffle(family)
    return [f"{first[number % len(first)]} {family[number % len(family)]}" for number in range(count)]


def caption_of(photo: str, name: str, seed: int) -> str:
    """Return a caption with `name` in it; only the seed and the photo's id decide the template."""
    return random.Random(f"{seed}:{photo!a}").choice(TEMPLATES).format(name=name)
