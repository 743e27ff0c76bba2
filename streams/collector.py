"""Python's collector of cyclic garbage, in a process that makes many objects and few cycles."""

import gc

_COLLECTOR_THRESHOLDS = (100_000, 20, 100)
"""A group of 2,000 records is 30,000 objects that live until it is stored. With the default thresholds the collector
walks them again and again: measured, 5 to 9 µs a file, a tenth of a worker's time."""


def spare_the_collector() -> None:
    """Keep modules, models and standards out of every collection, and collect less often: cycles are rare here."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
