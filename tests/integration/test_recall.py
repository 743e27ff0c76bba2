"""The look-ups before judging, held to their plans: each must cost the same however many rows are stored."""

from streams.identity import path_key
from streams.store.database import Database
from streams.store.rows import binary
from streams.store.statements import statement

_ROWS = """
INSERT INTO filesystem_timestamps
  (id, file_path, path_key, atime, mtime, ctime, atime_ns, mtime_ns, ctime_ns, host, captured_at, event_id,
   source_partition, source_offset)
SELECT UUID(), CONCAT('/srv/', seq), UNHEX(MD5(seq)), '2026-01-01', '2026-01-01', '2026-01-01', seq, seq, seq, 'host',
  '2026-01-01', UUID(), 0, seq
FROM seq_1_to_60000
"""


async def test_newest_files_are_found_by_the_index_and_never_by_reading_the_table(database: Database) -> None:
    await database.execute(_ROWS)  # the statistics know nothing of them yet, as in the hour after a load
    for count in (1, 20, 100, 400):
        keys = ",".join(binary(path_key("host", f"/new/{number}")) for number in range(count))
        query = statement("recall", "newest_files").replace("%s", keys, 1)
        plan = await database.fetch_all(f"EXPLAIN {query}")
        tables = {row["table"]: row["type"] for row in plan}
        assert tables["t"] == "ref", plan
        assert tables["filesystem_timestamps"] == "range", plan
