"""The library over HTTP, as Clarifai's clients know it: `localsearch serve` runs it.

Moves bytes: requests to `clarifai.Face` and its answers back, and pictures. Here is who may ask,
how much, and how long it may take. What is asked and answered is none of its business.
"""

from localsearch.server.keys import Keys, keys_of
from localsearch.server.listening import Server
from localsearch.server.options import face_options
from localsearch.server.settings import Settings

__all__ = ["Keys", "Server", "Settings", "face_options", "keys_of"]
