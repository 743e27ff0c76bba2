"""What a change does to the registry, worked out before anything is written. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from streams.standards.lifecycle import GOVERNING, ON_TRIAL, require_first, require_fit, require_step
from streams.standards.spec import StandardSpec
from streams.standards.standard import Standard, Status


@dataclass(frozen=True, slots=True)
class Step:
    """One version begins its life (`before` is None) or takes a step in it."""

    standard: Standard
    """The version as it will be."""
    before: Status | None
    because: str = ""
    """Why it happens by itself, where it does."""


@dataclass(slots=True)
class Changes:
    """The steps of one change, in the order in which they are taken."""

    steps: list[Step] = field(default_factory=list)
    unchanged: list[Standard] = field(default_factory=list)
    replaced: dict[str, Standard] = field(default_factory=dict)
    """By code, the version that a new one is compared with."""

    def __bool__(self) -> bool:
        return bool(self.steps)

    @property
    def new_versions(self) -> list[Standard]:
        """The versions that begin their life."""
        return [step.standard for step in self.steps if step.before is None]


def governing(versions: Iterable[Standard]) -> Standard | None:
    """The version that is active or suspended."""
    return next((version for version in versions if version.status in GOVERNING), None)


def on_trial(versions: Iterable[Standard]) -> Standard | None:
    """The newest version that is a draft or in shadow."""
    return max((version for version in versions if version.status in ON_TRIAL), key=_number, default=None)


def head(versions: Iterable[Standard]) -> Standard:
    """The version that metadata_standards shows: the governing one, else the one on trial, else the newest."""
    known = list(versions)
    return governing(known) or on_trial(known) or max(known, key=_number)


def plan_changes(registry: Mapping[str, list[Standard]], specs: Iterable[StandardSpec]) -> Changes:
    """What applying specs does; `registry` maps codes to all their versions. Raises UserError for what must not be."""
    changes = Changes()
    for spec in specs:
        versions = registry.get(spec.code, [])
        same = _same(versions, spec)
        if same is None:
            _add_version(changes, versions, spec)
        elif spec.status in (None, same.status):
            changes.unchanged.append(same)
        else:
            changes.steps += steps_to(versions, same, spec.status)
    return changes


def steps_to(versions: Iterable[Standard], version: Standard, status: Status) -> list[Step]:
    """The steps that bring one version to a status, with those of the versions that make room for it."""
    require_step(version, status)
    after = replace(version, status=status)
    require_fit(after)
    return [*make_room(versions, after), Step(after, version.status)]


def _same(versions: list[Standard], spec: StandardSpec) -> Standard | None:
    """The version that says what the spec says already; of a retired one only if nothing else is asked for."""
    content = spec.to_standard().content()
    alike = [version for version in versions if version.content() == content]
    living = [version for version in alike if version.status != "retired"]
    if living:
        return max(living, key=lambda version: (version.status in GOVERNING, version.version))
    newest = head(versions) if versions else None
    return newest if newest in alike and spec.status in (None, "retired") else None


def _add_version(changes: Changes, versions: list[Standard], spec: StandardSpec) -> None:
    number = max(map(_number, versions), default=0) + 1
    current = head(versions) if versions else None
    known_id = current.id if current else None
    new = spec.to_standard(number, known_id, spec.status or _status_beside(current))
    require_first(new)
    require_fit(new)
    if current is not None:
        changes.replaced[spec.code] = current
    changes.steps += [*make_room(versions, new), Step(new, None)]


def _status_beside(current: Standard | None) -> Status:
    """Where a new version begins when its file does not say: never further than the one that it follows."""
    if current is None:
        return "active"
    return "draft" if current.status in ("suspended", "retired") else current.status


def make_room(versions: Iterable[Standard], new: Standard) -> list[Step]:
    """Retire what the version takes the place of: one governs, and one is on trial."""
    group = GOVERNING + ON_TRIAL if new.status in GOVERNING else ON_TRIAL
    if new.status == "retired":
        return []
    return [
        Step(replace(other, status="retired"), other.status, f"superseded by v{new.version}")
        for other in versions
        if other.version != new.version
        and other.status in group
        and (other.status not in ON_TRIAL or other.version < new.version)
    ]


def differences(before: Standard, after: Standard) -> list[tuple[str, Any, Any]]:
    """(key, old value, new value) of everything that differs in content."""
    old, new = before.content(), after.content()
    return [(key, old[key], new[key]) for key in old if old[key] != new[key]]


def _number(version: Standard) -> int:
    return version.version
