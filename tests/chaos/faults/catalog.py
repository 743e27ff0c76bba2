"""Every fault by its name on the command line, in the order of the table."""

from tests.chaos.faults import Fault, kills

FAULTS: dict[str, Fault] = {
    "kills-random": kills.at_random_moments,
    "kills-points": kills.at_crash_points,
}
