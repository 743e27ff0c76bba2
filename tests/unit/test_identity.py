from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from streams.identity import NAMESPACE, derived_id, fingerprint, path_key


@given(st.lists(st.text() | st.integers(), min_size=1, max_size=5))
def test_derived_id_is_the_standard_uuid5(parts: list[object]) -> None:
    name = "\0".join(str(part) for part in parts)
    assert derived_id(*parts) == str(uuid5(NAMESPACE, name))


def test_host_and_path_do_not_run_into_each_other() -> None:
    assert path_key("a", "b/c") != path_key("ab", "/c")
    assert len(path_key("host", "/x")) == 16


def test_a_fingerprint_names_standard_subject_and_field() -> None:
    one = fingerprint("FS-PATH-001", "h:/a", "file_path")
    assert len(one) == 32
    assert one != fingerprint("FS-PATH-001", "h:/b", "file_path")
    assert one != fingerprint("FS-PATH-002", "h:/a", "file_path")
