"""Measures what the README and the tests cannot: speed, size and quality, as ratios in one run.

    python -m benchmarks --quick
    python -m benchmarks --full --data ../shared

One file a benchmark, one table (`table.py`). Nothing here is shipped; it stands on the counter, on
the rooms it measures alone, and on the command line. It writes below `benchmarks/out/` and into
temporary folders, which it removes.
"""
