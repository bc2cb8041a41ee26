"""A model pack read: its manifest, digests, vocabulary, and probabilities from raw outputs.

This room knows files and arithmetic. It never runs a network (that is `encoders`), never decodes
a picture, never writes into a pack, and no other room reads `pack.toml`.
"""

from localsearch.pack.find import available_packs, copy_query_side, find_pack, network_file
from localsearch.pack.load import Pack, load_pack
from localsearch.pack.manifest import ImageSpec, Part
from localsearch.pack.probabilities import SHOWN, highest, leading
from localsearch.pack.vocabulary import Concept, Vocabulary

__all__ = [
    "SHOWN",
    "Concept",
    "ImageSpec",
    "Pack",
    "Part",
    "Vocabulary",
    "available_packs",
    "copy_query_side",
    "find_pack",
    "highest",
    "leading",
    "load_pack",
    "network_file",
]
