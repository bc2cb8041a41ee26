"""Clarifai's old wire over an open library: inputs, searches, concepts, models, predictions.

No socket is here: `Face.call` takes a method, a path and a body, and gives what is answered. A
server moves the bytes, and the old Python names in process stand on the same `Face`. Nothing else
in the house knows a field name of this wire but `rest`, its client. What is answered, and each
choice, is told in docs/CLARIFAI.md.
"""

from localsearch.clarifai.answer import Answer
from localsearch.clarifai.face import Face
from localsearch.clarifai.room import FaceOptions

__all__ = ["Answer", "Face", "FaceOptions"]
