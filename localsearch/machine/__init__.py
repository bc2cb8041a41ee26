"""What this machine lets the process use: cores, memory, kinds of file systems, volumes.

Best effort on Linux, macOS and Windows: never raises, and answers with a safe guess where the
system does not tell. Never changes anything but the priority of the calling thread, when asked.
"""

from localsearch.machine.file_systems import (
    NETWORK_KINDS,
    FileSystem,
    Volume,
    cloud_synced,
    file_system_of,
    mounts,
    volume_of,
)
from localsearch.machine.processor import (
    available_memory,
    lower_thread_priority,
    memory_budget,
    processor_features,
    usable_cores,
)

__all__ = [
    "NETWORK_KINDS",
    "FileSystem",
    "Volume",
    "available_memory",
    "cloud_synced",
    "file_system_of",
    "lower_thread_priority",
    "memory_budget",
    "mounts",
    "processor_features",
    "usable_cores",
    "volume_of",
]
