"""Packs as a user sees them: which there are, what is in one, whether it is intact.

Reads packs only; never changes a library, never opens a socket. What a pack computes is not
known here.
"""

from localsearch.packs.installed import PackInfo, concepts_of, list_packs, show_pack, verify_pack
from localsearch.packs.trial import predict

__all__ = ["PackInfo", "concepts_of", "list_packs", "predict", "show_pack", "verify_pack"]
