"""Measures what the README and the tests cannot: speed, size and quality, as ratios in one run.

    python -m benchmarks --quick
    python -m benchmarks --full --data ../shared --stores FOLDER
    python -m benchmarks.synthetic ROWS FOLDER

One file a benchmark, one table (`table.py`). Nothing here is shipped; it stands on the counter, on
the rooms it measures alone, and on the command line. It writes below `benchmarks/out/`, into
temporary folders, which it removes, into the user's cache (the features of real photos, from which
synthetic stores are drawn), and into FOLDER.
"""
