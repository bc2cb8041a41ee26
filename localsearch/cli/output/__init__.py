"""What the program prints. The only room that knows JSON keys and columns.

`for_programs` holds the JSON shapes, lines, CSV and paths; `for_people` sentences and tables;
`keeping`, `packs` and others, which those import that need them, both for some commands.
Decides nothing, reads no library.
"""

from localsearch.cli.output.for_people import (
    duration,
    print_bars,
    print_checks,
    print_concepts,
    print_estimate,
    print_failures,
    print_hits,
    print_input,
    print_roots,
    print_status,
    print_sync,
    size,
)
from localsearch.cli.output.for_programs import (
    check_json,
    concept_json,
    concepts_json,
    error_json,
    estimate_json,
    failure_json,
    hit_json,
    hits_json,
    input_json,
    path_json,
    print_csv,
    print_json,
    print_ndjson,
    print_paths,
    root_json,
    status_json,
    sync_json,
)

__all__ = [
    "check_json",
    "concept_json",
    "concepts_json",
    "duration",
    "error_json",
    "estimate_json",
    "failure_json",
    "hit_json",
    "hits_json",
    "input_json",
    "path_json",
    "print_bars",
    "print_checks",
    "print_concepts",
    "print_csv",
    "print_estimate",
    "print_failures",
    "print_hits",
    "print_input",
    "print_json",
    "print_ndjson",
    "print_paths",
    "print_roots",
    "print_status",
    "print_sync",
    "root_json",
    "size",
    "status_json",
    "sync_json",
]
