"""How bytes reach the disk, and how damage is noticed on the way back.

`files` writes, syncs and copies; `blocks` reads files of checked blocks, `writing` makes them,
`mapping` maps them. Never decides what is written or when it may be deleted, and never
repairs: damage is an error with a name.

Invariant: when a function that writes returns, the bytes and the names survive a loss of power;
when a `BlockFile` hands out bytes, their checksums were compared.
"""

from localsearch.durable.blocks import PAGE, BlockFile, open_blocks
from localsearch.durable.files import (
    continuing,
    copy_file,
    free_bytes,
    make_folder,
    move,
    replace_file,
    replacing,
    sync_file,
    sync_folder,
    sync_written,
    write_file,
)

__all__ = [
    "PAGE",
    "BlockFile",
    "continuing",
    "copy_file",
    "free_bytes",
    "make_folder",
    "move",
    "open_blocks",
    "replace_file",
    "replacing",
    "sync_file",
    "sync_folder",
    "sync_written",
    "write_file",
]
