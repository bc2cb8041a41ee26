"""Derived files opened as one: segments, the tail above them, and the graves.

`segment` is one folder, `tail` rows held in memory, `live_set` all of them as one, `live` how a
live set follows the catalog. Never writes to the catalog and never deletes a file. What is
damaged is answered from the features: it costs time, never an answer.
"""
