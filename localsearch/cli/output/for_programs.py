"""What programs read: JSON documents and lines, CSV, and paths exact to the byte.

Keys are added, never renamed, never given another meaning. The records have no idea of this file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import localsearch as ls

if TYPE_CHECKING:
    from localsearch.doctor import Check

VERSION = 1
"""Version of every JSON document; raised only if a key had to change its meaning."""


def print_json(body: Mapping[str, Any]) -> None:
    """Print one JSON document: `version`, then the keys of `body`. Always valid UTF-8."""
    print(_json({"version": VERSION, **body}))


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8")


def error_json(code: str, message: str, hint: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "hint": hint}}


def path_json(path: Path | None) -> dict[str, Any]:
    """`path` as text, and `path_b64` (its bytes) where it is no Unicode."""
    if path is None:
        return {"path": None}
    text = str(path)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        import base64

        raw = os.fsencode(path)
        return {
            "path": raw.decode("utf-8", "replace"),
            "path_b64": base64.b64encode(raw).decode("ascii"),
        }
    return {"path": text}


def concepts_json(values: Iterable[ls.ConceptValue]) -> list[dict[str, Any]]:
    return [{"id": one.id, "name": one.name, "value": one.value} for one in values]


def hit_json(hit: ls.Hit) -> dict[str, Any]:
    return {
        "score": hit.score,
        "id": hit.id,
        **path_json(hit.path),
        "root": hit.root,
        "available": hit.available,
        "taken_at": hit.taken_at,
        "width": hit.width,
        "height": hit.height,
        "tags": dict(hit.tags),
        "concepts": concepts_json(hit.concepts),
        "why": [{"term": one.term, "score": one.score, "route": one.route} for one in hit.why],
        "folded": hit.folded,
    }


def hits_json(
    hits: Iterable[ls.Hit], total: int, page: int, route: str, notes: Iterable[str] = ()
) -> dict[str, Any]:
    body = {"hits": [hit_json(one) for one in hits], "total": total, "page": page, "route": route}
    return {**body, "notes": [*notes]}


def input_json(one: ls.Input) -> dict[str, Any]:
    body = {"id": one.id, **path_json(one.path)}
    for key, value in asdict(one).items():
        if key == "relative_path" and value is not None:
            value = os.fsencode(value).decode("utf-8", "replace")
        body.setdefault(key, value)
    return body


def sync_json(report: ls.SyncReport) -> dict[str, Any]:
    body = asdict(report)
    body["seconds"] = round(report.seconds, 3)
    body["skipped_kinds"] = dict(report.skipped_kinds)
    body["failures"] = [
        {**path_json(Path(path)), "state": state, "reason": reason}
        for path, state, reason in report.failures
    ]
    return body


def estimate_json(estimate: ls.SyncEstimate) -> dict[str, Any]:
    return {"dry_run": True, **asdict(estimate), "seconds": round(estimate.seconds, 3)}


def failure_json(one: ls.Input) -> dict[str, Any]:
    return {"id": one.id, **path_json(one.path), "state": one.state, "reason": one.reason}


def root_json(root: ls.Root) -> dict[str, Any]:
    body = {"name": root.name, **path_json(root.path), "online": root.online}
    return {**body, "ignore": list(root.ignore), "inputs": root.inputs}


def status_json(status: ls.Status) -> dict[str, Any]:
    return {**asdict(status), "store": str(status.store)}


def concept_json(one: ls.ConceptInfo) -> dict[str, Any]:
    return one._asdict()


def check_json(check: Check) -> dict[str, Any]:
    return asdict(check)


def print_paths(hits: Iterable[ls.Hit], *, nul: bool) -> None:
    """The paths of hits, exact to the byte: a line each, or ended by NUL. None: left out."""
    sys.stdout.flush()
    end = b"\0" if nul else os.linesep.encode()
    for hit in hits:
        if hit.path is not None:
            _write_bytes(os.fsencode(hit.path) + end)


def _write_bytes(data: bytes) -> None:
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        sys.stdout.write(os.fsdecode(data))
    else:
        raw.write(data)
        raw.flush()


def print_ndjson(hits: Iterable[ls.Hit]) -> None:
    """One JSON object a line, each as in `hits` of the document; no `version`."""
    for hit in hits:
        print(_json(hit_json(hit)), flush=True)


def print_csv(hits: Iterable[ls.Hit]) -> None:
    """A header and a line a hit (RFC 4180); concepts and tags as `name=value;...`."""
    import csv

    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["score", "id", "path", "available", "taken_at", "tags", "concepts"])
    for hit in hits:
        tags = ";".join(f"{name}={str(value).lower()}" for name, value in hit.tags.items())
        concepts = ";".join(f"{one.name}={one.value:.4f}" for one in hit.concepts)
        available = str(hit.available).lower()
        path = path_json(hit.path)["path"] or ""
        table.writerow([hit.score, hit.id, path, available, hit.taken_at or "", tags, concepts])
