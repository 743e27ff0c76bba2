"""What a file's MAC times cannot honestly be: the rules of timestomping (ATT&CK T1070.006). Pure.

    records.py      a capture, a file of it, its previous record     siblings.py     the other files of a capture
    precision.py    how fine a volume's stamps are                   found.py        what a rule saw
    gates.py        G0-G2: when a rule may speak, and how loud       suppression.py  what explains it, and lowers it
    proofs.py       H1, H4, H14-H16        signatures.py    H9-H14
    history.py      H2, H3, H5-H8, H22     plausibility.py  H17-H21, H23, H24
    judgement.py    the fast way past honest files, and a finding's severity, numbers and score

A finding says that a time was set explicitly, or that a clock or disk was altered; never that somebody meant harm:
cp -p, tar and rsync -t do it too. `docs/forensics.md` says of each rule which fields it needs and what it costs.
"""

from streams.judges.timestamps.judgement import NOTHING_FOUND, Judgement, is_plain, judge_capture, judge_in_slices
from streams.judges.timestamps.precision import VolumePrecision
from streams.judges.timestamps.records import Capture, FileState, Neighbour, States

__all__ = [
    "NOTHING_FOUND",
    "Capture",
    "FileState",
    "Judgement",
    "Neighbour",
    "States",
    "VolumePrecision",
    "is_plain",
    "judge_capture",
    "judge_in_slices",
]
