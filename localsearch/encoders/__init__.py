"""A pack's networks alive: which provider runs them, and pictures to vectors and logits.

Never decodes a picture, never knows a concept or a file of photos. Importing this room loads
neither ONNX Runtime nor Pillow: they come when the first encoder is opened.
"""

from localsearch.encoders.choice import Choice
from localsearch.encoders.image import ImageEncoder, open_image_encoder
from localsearch.encoders.providers import (
    PROVIDERS,
    ProviderReport,
    check_word,
    describe_providers,
)

__all__ = [
    "PROVIDERS",
    "Choice",
    "ImageEncoder",
    "ProviderReport",
    "check_word",
    "describe_providers",
    "open_image_encoder",
]
