"""A dry run: what a sync would do, how long it would take, what limits it, and the disk it needs.

Decodes up to fifty photos, spread over all that are to be read; writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from localsearch.catalog import Catalog
from localsearch.catalog import known as known_rows
from localsearch.catalog.truth import Truth
from localsearch.errors import PictureError
from localsearch.machine import usable_cores
from localsearch.pipeline.job import Job
from localsearch.records import SyncEstimate
from localsearch.sources.picture import open_picture
from localsearch.sync.roots import FoundRoot
from localsearch.sync.run import Orders
from localsearch.sync.survey import ToRead, survey_root

SAMPLE = 50
_CATALOG_BYTES = 700  # a row with its indexes, measured on a store of 100,000


def estimate(
    truth: Truth, founds: Sequence[FoundRoot], orders: Orders, *, feature_bytes: int
) -> SyncEstimate:
    """Survey all roots and time a sample. `feature_bytes`: bytes of one photo's features."""
    surveys = [
        survey_root(truth, found, stop=orders.stop, list_folder=orders.list_folder)
        for found in founds
        if found.path is not None
    ]
    to_read = [read for survey in surveys for read in survey.to_read]
    sample = to_read[:: max(1, len(to_read) // SAMPLE)][:SAMPLE]
    each, bottleneck, thumb_bytes = _time_sample(sample, orders)
    fresh = sum(1 for read in to_read if read.known is None)
    # int8 and half-precision vectors of the segments, and some thirty postings of six bytes.
    disk_each = int(feature_bytes * 1.1) * 2 + thumb_bytes + _CATALOG_BYTES + 180
    return SyncEstimate(
        added=fresh,
        changed=len(to_read) - fresh,
        missing=sum(len(survey.gone) + len(survey.hidden) for survey in surveys),
        offline=_offline(truth.catalog, founds) + sum(len(s.cut_off) for s in surveys),
        unchanged=sum(s.unchanged + len(s.back) for s in surveys),
        skipped=sum(sum(s.skipped.values()) + len(s.away) for s in surveys),
        seconds=round(each * len(to_read), 3),
        disk_bytes=disk_each * len(to_read),
        bottleneck=bottleneck,
        sampled=len(sample),
        notes=tuple(f"root {f.row.name} is offline: {f.reason}" for f in founds if not f.path),
    )


def _time_sample(sample: Sequence[ToRead], orders: Orders) -> tuple[float, str, int]:
    """(seconds a photo, what limits, bytes of a thumbnail) of a sample; zeros without one."""
    if not sample:
        return 0.0, "nothing to read", 0
    read_seconds, decode_seconds = _time_decoding(sample)
    jobs = [Job(key=n, path=read.path, size=read.sighting.size) for n, read in enumerate(sample)]
    warm = list(orders.read_features(jobs[:1], orders.stop))  # loads the network
    began = time.perf_counter()
    outcomes = list(orders.read_features(jobs, orders.stop))
    whole = time.perf_counter() - began
    thumbs = [len(o.thumbnail) for o in [*warm, *outcomes] if o.thumbnail]
    shares = {
        "reading the disk": read_seconds,
        "decoding": decode_seconds,
        "inference": max(0.0, whole * usable_cores() - decode_seconds - read_seconds),
    }
    limit = max(shares, key=lambda name: shares[name])
    return whole / len(sample), limit, sum(thumbs) // len(thumbs) if thumbs else 0


def _time_decoding(sample: Sequence[ToRead]) -> tuple[float, float]:
    read_seconds = decode_seconds = 0.0
    for read in sample:
        began = time.perf_counter()
        try:
            with open(read.path, "rb") as file:
                data = file.read()
        except OSError:
            continue
        middle = time.perf_counter()
        try:
            open_picture(data, short_side=300)
        except PictureError:
            pass
        read_seconds += middle - began
        decode_seconds += time.perf_counter() - middle
    return read_seconds, decode_seconds


def _offline(catalog: Catalog, founds: Sequence[FoundRoot]) -> int:
    with catalog.reading() as conn:
        return sum(
            1
            for found in founds
            if found.path is None
            for _ in known_rows.known_below(conn, found.row.key, b"")
        )
