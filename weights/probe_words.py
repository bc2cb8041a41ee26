"""Which words name a probe, in its synonyms and in captions. Data only."""

from __future__ import annotations

from weights.build_concepts import ProbeWords

PROBES = [
    ProbeWords(
        "p-people",
        "people",
        ("person", "persons", "human", "humans", "human being", "someone", "somebody"),
        "one or more human beings in the picture",
    ),
    ProbeWords("p-man", "man", ("men", "male", "males", "gentleman", "guy"), "a grown man"),
    ProbeWords(
        "p-woman", "woman", ("women", "lady", "ladies", "female", "females"), "a grown woman"
    ),
    ProbeWords(
        "p-child",
        "child",
        ("children", "kid", "kids", "boy", "boys", "girl", "girls", "toddler", "baby"),
        "a child, from baby to teenager",
    ),
    ProbeWords(
        "p-group",
        "group",
        ("group of people", "crowd", "crowds", "groups", "team", "family"),
        "three or more people together",
    ),
    ProbeWords(
        "p-outdoors", "outdoors", ("outdoor", "outside", "open air"), "a picture taken outside"
    ),
    ProbeWords("p-indoors", "indoors", ("indoor", "inside", "interior"), "a picture taken inside"),
    ProbeWords(
        "p-beach", "beach", ("beaches", "seaside"), "sand or pebbles at the edge of the sea"
    ),
    ProbeWords(
        "p-water",
        "water",
        ("body of water", "sea", "ocean", "river", "lake", "lakes", "oceans", "rivers"),
        "open water: sea, lake, river, pool",
    ),
    ProbeWords("p-snow", "snow", ("snowy", "snowfield"), "ground covered with snow"),
    ProbeWords("p-mountain", "mountain", ("mountains", "mount"), "mountains, near or far"),
    ProbeWords("p-forest", "forest", ("woods", "woodland", "forests"), "many trees together"),
    ProbeWords(
        "p-city", "city", ("cities", "urban", "cityscape", "town", "skyline"), "buildings of a city"
    ),
    ProbeWords(
        "p-street", "street", ("streets", "road", "roads", "sidewalk"), "a street or a road"
    ),
    ProbeWords("p-sky", "sky", ("skies", "clouds", "cloud"), "open sky as a large part"),
]

MEN = "man men guy guys gentleman gentlemen dude dudes businessman fisherman cowboy groom father"
WOMEN = "woman women lady ladies female bride mother businesswoman"
CHILDREN = "child children kid kids boy boys girl girls baby babies toddler toddlers infant infants"
OTHERS = """person people someone adult adults crowd crowds family families couple couples friend
friends player players skier skiers surfer surfers snowboarder snowboarders biker bikers cyclist
cyclists bicyclist bicyclists climber climbers rider riders skateboarder skateboarders worker
workers dancer dancers teen teens teenager teenagers swimmer swimmers hiker hikers officer officers
athlete athletes runner runners performer performers musician musicians band wrestler wrestlers
spectators audience pedestrians pedestrian motorcyclist gymnast cheerleader cheerleaders wakeboarder
kayaker kayakers student students passenger passengers bicycler snorkeler diver soldiers soldier"""
COUNTED = "people men women boys girls children kids guys ladies players friends adults workers"

# Probe -> words of a caption that name it. Pairs "a b" are two words in a row.
CAPTION_WORDS: dict[str, str] = {
    "p-people": f"{MEN} {WOMEN} {CHILDREN} {OTHERS}",
    "p-man": MEN,
    "p-woman": WOMEN,
    "p-child": CHILDREN,
    "p-group": "group groups crowd crowds crowded team teams audience spectators band parade "
    "family families gathering",
    "p-beach": "beach beaches seashore shore seaside shoreline",
    "p-water": "water ocean sea lake river pool pond stream creek wave waves waterfall surf "
    "surfing surfer surfboard swimming swim swims swimmer kayak canoe wakeboard wakeboarder "
    "rapids splash splashing splashes",
    "p-snow": "snow snowy ski skiing skier skiers skis snowboard snowboarder snowboarding sled "
    "sledding snowball snowman",
    "p-mountain": "mountain mountains mountainside mountainous alps mountaintop",
    "p-forest": "forest woods wooded woodland jungle",
    "p-city": "city urban downtown cityscape skyline",
    "p-street": "street streets road roads sidewalk intersection crosswalk alley highway",
    "p-sky": "sky skies clouds sunset sunrise cloudy",
}
GROUP_PAIRS = [
    f"{count} {who}"
    for count in ("three", "four", "five", "six", "seven", "several", "many")
    for who in (*COUNTED.split(), "young", "other")
]
INDOORS = """indoor indoors inside room kitchen bed bedroom couch sofa carpet bathroom office
restaurant gym classroom ceiling hallway bathtub bowling bar stage mall museum"""
OUTDOORS = """outdoor outdoors outside grass grassy field beach snow snowy park street road sidewalk
mountain mountains ocean lake river hill forest woods tree trees sky sand sandy yard lawn dirt trail
rocks cliff creek sea desert mud muddy path meadow garden waves pond leaves"""

# COCO objects that say where a picture was taken.
COCO_INDOORS = "bed toilet oven sink refrigerator couch microwave tv toaster keyboard"
COCO_OUTDOORS = """airplane train truck boat traffic_light fire_hydrant stop_sign surfboard skis
snowboard kite giraffe zebra elephant cow sheep bear horse bus"""

# What a scene photo shows for sure (1) or not (0), or as a rule (a share between); what is not
# named is not known.
_OUT = {"p-outdoors": 1.0, "p-indoors": 0.0, "p-people": 0.05, "p-group": 0.02}
SCENES: dict[str, dict[str, float]] = {
    "city": {
        **_OUT,
        "p-city": 1,
        "p-forest": 0,
        "p-beach": 0,
        "p-mountain": 0,
        "p-snow": 0.03,
        "p-people": 0.2,
        "p-group": 0.1,
        "p-sky": 0.7,
    },
    "field": {
        **_OUT,
        "p-city": 0,
        "p-beach": 0,
        "p-street": 0,
        "p-water": 0,
        "p-mountain": 0.15,
        "p-sky": 0.9,
        "p-snow": 0.03,
    },
    "forest": {
        **_OUT,
        "p-forest": 1,
        "p-city": 0,
        "p-beach": 0,
        "p-street": 0,
        "p-mountain": 0.05,
        "p-sky": 0.1,
    },
    "lake": {**_OUT, "p-water": 1, "p-city": 0, "p-street": 0, "p-sky": 0.8},
    "mountain": {
        **_OUT,
        "p-mountain": 1,
        "p-city": 0,
        "p-street": 0,
        "p-beach": 0,
        "p-sky": 0.9,
    },
    "ocean": {
        **_OUT,
        "p-water": 1,
        "p-city": 0,
        "p-street": 0,
        "p-forest": 0,
        "p-mountain": 0.1,
        "p-sky": 0.9,
        "p-snow": 0,
    },
    "road": {
        **_OUT,
        "p-street": 1,
        "p-beach": 0,
        "p-water": 0,
        "p-mountain": 0.2,
        "p-sky": 0.8,
        "p-people": 0.1,
    },
}

# ImageNet classes (by number) that tell of a probe; animals (0-397) show no people as a rule.
IMAGENET_SHOWS: dict[str, tuple[int, ...]] = {
    "p-people": (981, 982, 983),
    "p-man": (981, 982),
    "p-beach": (978, 977),
    "p-water": (978, 977, 975, 976, 973, 147, 148, 472, 554, 576, 625, 628, 780, 814, 914, 403),
    "p-snow": (970, 795, 802, 803),
    "p-mountain": (970, 980),
    "p-street": (919, 920, 829, 468, 654, 779, 874),
    "p-indoors": (
        *(453, 495, 532, 526, 534, 553, 564, 598, 648, 651, 760, 765, 827, 831, 851, 861, 896, 897),
        *(431, 435, 493, 520, 527, 548, 624, 762, 782, 881, 894, 423),
    ),
    "p-outdoors": (
        *(970, 972, 975, 976, 977, 978, 979, 980, 425, 449, 483, 497, 511, 536, 580, 663, 668, 682),
        *(703, 716, 718, 821, 829, 839, 866, 873, 888, 900, 912, 915, 920, 705, 820, 561),
    ),
}
