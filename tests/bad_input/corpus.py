"""All named cases: what the product is sent when nobody means well."""

from functools import cache
from itertools import count

from tests.bad_input import fields, hostile, whole_values
from tests.bad_input.case import Case


@cache
def corpus() -> tuple[Case, ...]:
    """Every case, always the same, in an order in which a repeat comes after what it repeats."""
    numbers = count(1)
    return (*whole_values.cases(numbers), *fields.cases(numbers), *hostile.cases(numbers))
