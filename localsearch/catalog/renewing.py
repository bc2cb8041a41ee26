"""Features that became better, and the rows that say so: two files, so two transactions.

Invariant: between the two the content is *renewed* in the features file; whoever finds it so, in
whatever process and after whatever crash, ends the work.
"""

from __future__ import annotations

from localsearch.catalog import inputs
from localsearch.catalog.truth import Truth


def settle_renewed(truth: Truth) -> int:
    """Give the inputs of renewed contents new rows; gives how many. Next to nothing if none is.

    An entry of a segment is right for ever or dead for ever: features that change kill the row.
    """
    digests = truth.features.renewed()
    if not digests:
        return 0
    with truth.catalog.writing("renewing rows") as conn:
        count = inputs.renew_rows(conn, digests)
    truth.features.settle(digests)
    return count
