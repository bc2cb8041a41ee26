"""Decisions on names that no rule makes well: what to leave out, what to call what. Data only."""

from __future__ import annotations


def _set(text: str, separator: str | None = None) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split(separator))


# Too general to be searched for, or a poor stand-in: WordNet's person has three classes here
# (a ballplayer, a groom, a diver), so people are found by probes of their own.
LEFT_OUT = _set(
    "n00001740 n00001930 n00002684 n00003553 n00004258 n00004475 n00020827 n00002137 n00007347 "
    "n00007846 n00031921 n13809207 n00019613 n00020090 n00019128 n00033020 n04377057"
)

# Of several ancestors over the same classes the deepest is kept, but for these.
PREFERRED = _set(
    "n01524359 n01674464 n02514825 n02153203 n03621049 n01662784 n02470325 n02401031 n03206908 "
    "n07679356 n13134947 n02512053 n03906997 n07555863 n00017222 n02796623 n02898711 "
    "n03544360 n04543158 n03154073 n04388743"
)

# Everyday names where WordNet's first word, or the clean class name, misleads.
NAMES = {
    "n07705931": "fruit",
    "n13134947": "botanical fruit",
    "n03748162": "retail store",
    "n03154073": "cutting tool",
    "n04388743": "storage tank",
    "n07881800": "drink",
    "n03206908": "dishware",
    "n02121620": "cat",
    "n02127808": "big cat",
    "n07707451": "vegetable",
    "n04019101": "public transport",
    "n04530566": "watercraft",
    "n04531098": "vessel (container)",
    "n00021265": "food",
    "n07555863": "solid food",
    "n02959942": "railway car",
    "n04464852": "tracked vehicle",
    "n03450230": "evening gown",
    "n03724870": "costume mask",
    "n09359803": "high mountain",
    "n03699975": "machine",
    "n02880940": "bowl",
    "n02955065": "cap (cover)",
    "n02954938": "cap (top)",
    "n02954340": "cap",
    "n04151581": "screen",
    "n02851099": "blind",
    "n02085374": "toy dog",
    "n03964744": "toy",
    "n01639765": "frog",
    "n03380867": "footwear",
    "n03540267": "hosiery",
    "n02389026": "horse",
    "n02123159": "tiger cat",
    "n01608432": "kite (bird)",
    "n01847000": "drake",
    "n02113978": "mexican hairless dog",
    "n02412080": "ram",
    "n02422699": "impala",
    "n02817516": "bearskin hat",
    "n03290653": "entertainment center",
    "n04612504": "yawl",
    "n07760859": "custard apple",
    "n03710637": "leotard",
    "n03710721": "one-piece swimsuit",
    "n03871628": "packet",
    "n04008634": "projectile",
    "n04355933": "sunglass",
    "n04209133": "shower cap",
    "n04371430": "swimming trunks",
    "n06794110": "street sign",
    "n04523525": "vaulted ceiling",
    "n13133613": "ear of grain",
    "n02012849": "crane (bird)",
    "n03126707": "construction crane",
    "n01860187": "black swan",
    "n03777754": "modem",
    "n02114712": "red wolf",
    "n04208210": "shovel",
    "n03838899": "oboe",
    "n02799071": "baseball (ball)",
    "n02802426": "basketball (ball)",
    "n02951358": "kayak (boat)",
    "n03057021": "coat (garment)",
    "n04097866": "robe (garment)",
    "n04228054": "ski (equipment)",
    "n04317420": "stick (implement)",
    "n09433442": "shore (land)",
}

# Words that belong to one concept whatever the rules say (everyday meaning first).
WORDS = {
    "horse": "n02389026",
    "elephant": "n02503517",
    "bike": "n02834778",
    "plane": "n02686568",
    "airplane": "n02686568",
    "aeroplane": "n02686568",
    "tie": "n03815615",
    "cup": "n07930864",
    "mouse": "n03793489",
    "seal": "n02077923",
    "duck": "n01846331",
    "swan": "n01860187",
    "cow": "n02403003",
    "bull": "n02403003",
    "goat": "n02417914",
    "sofa": "n04344873",
    "couch": "n04344873",
    "screen": "n04151581",
    "tv": "n04404412",
    "wagon": "n04543158",
    "cart": "n04543158",
    "tank": "n04389033",
    "plant": "n00017222",
    "seed": "n13135832",
    "wheel": "n04574999",
    "church": "n03028079",
    "motorcycle": "n03785016",
    "motorbike": "n03785016",
    "mountain lion": "n02125311",
    "racer": "n04037443",
    "toy": "n03964744",
    "machine": "n03699975",
    "kite": "n01608432",
    "crane": "n02012849",
    "coach": "n02924116",
    "chicken": "n01514859",
    "cellphone": "n02992529",
    "cliff": "n09246464",
    "poultry": "n01514859",
    "sheep": "n02412080",
    "pig": "n02395406",
    "swine": "n02395003",
    "jersey": "n03595614",
    "panther": "n02128925",
    "catamount": "n02127052",
    "home": "n03259505",
    "house": "n03544360",
    "drink": "n07881800",
    "fruit": "n07705931",
    "dish": "n07557434",
    "piece": "n03932670",
}

# Words too general, or of another meaning, for the concept that would inherit them.
REFUSED = _set(
    "agent part piece article relation game ware solid fluid matter machine good commodity cause "
    "support system sweet game dog top wind string house nipple stick glass plate arm noddle "
    "wood wheel brass reed cover racer wing head drop painter light killer spot slot site hip "
    "jean pick board upright iron switch suit shade claw comfort puff drop-off essence bars press "
    "chow toy mortar ear spike rule scope hose lid paper fly pen rig safe screw person player "
    "man woman child worker adult people group city street sky snow water mountain forest "
    "outdoors indoors"
)

# Words that a class takes over from ancestors that have no other class, each looked at.
INHERITED = _set(
    "eagle|owl|alligator|dinosaur|swan|coral|penguin|dolphin|seal|bulldog|squirrel|cattle|cows|"
    "oxen|buffalo|sheep|goat|camel|salmon|bin|bandage|vest|passenger train|train|mirror|saw|"
    "chest|dresser|stocking|mug|boot|fan|bed|gas pump|disk|disc|ax|axe|lantern|pant|shirt|"
    "magnifying glass|factory|tights|uniform|can|tin|glove|trailer|motorbike|motorcycle|jewelry|"
    "meter|package|oar|brush|bench|cushion|rod|drill|rug|carpet|telescope|pin|display|belt|door|"
    "face mask|lens|eyeglasses|glasses|pullover|raincoat|arch|gate|basin|spoon|magazine|dip|soup|"
    "bun|cracker|hamburger|burger|potato|pepper|apple|wine|coffee|fountain|athlete|diver|grain|"
    "tissue|lounge|sofa|shrine|horse|watch|pipe|mat|stand",
    "|",
)
