from streams.store.steps import Step, calls, chunks


def test_a_call_is_cut_by_its_bytes_and_not_by_its_characters() -> None:
    steps = [Step("€" * 500_000) for _ in range(6)]
    cut = list(calls(steps))
    assert [step for call in cut for step in call] == steps
    assert [len(call) for call in cut] == [2, 2, 2]
    assert [len(call) for call in calls([Step("x" * 1_500_000) for _ in range(6)])] == [2, 2, 2]


def test_a_statement_that_is_longer_than_a_call_goes_alone() -> None:
    long, short = Step("x" * 5_000_000), Step("x")
    assert list(calls([short, long, short])) == [[short], [long], [short]]


def test_rows_stay_in_order_and_together_until_a_statement_is_full() -> None:
    rows = [f"({number},'{'x' * 1000}')" for number in range(2500)]
    cut = list(chunks(rows))
    assert [row for chunk in cut for row in chunk] == rows
    assert len(cut) == 3
    assert list(chunks([])) == []
