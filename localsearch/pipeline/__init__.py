"""From a source's bytes to its features, facts and thumbnail: reading, decoding, inferring.

Knows no catalog and no store: what is known already comes in as a question. A photo that cannot
be used is a result here, never an exception.
"""

from localsearch.pipeline.job import Job, Outcome
from localsearch.pipeline.one import features_of_one
from localsearch.pipeline.stages import features_of

__all__ = ["Job", "Outcome", "features_of", "features_of_one"]
