"""Every metric of the product in one place: name, labels, unit, buckets.

No label ever holds a path, an event id or free text. `component` is bounded by `COMPONENT_LABEL_LIMIT`.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics

from streams import __version__
from streams.observability.batch_histogram import BatchHistogram

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which no dashboard of ours reads
REGISTRY = CollectorRegistry(auto_describe=True)

OUTCOMES = ("stored", "duplicate", "dead_lettered")
COMPONENT_LABEL_LIMIT = 1000
"""Past this many components the label says `other`: a producer must not be able to fill Prometheus."""

SHADOW_LABEL_LIMIT = 100
"""Past this many standards in shadow the label says `other`; the table of counts has all of them."""

INCIDENT_STATUSES = ("open", "acknowledged", "resolved", "waived", "false_positive")

_SLO_EDGES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_FINE_EDGES = (0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1)

RECORDS = Counter(
    "cockpit_records_total",
    "Consumed records by what became of them.",
    ["topic", "outcome"],
    registry=REGISTRY,
)
ROWS_WRITTEN = Counter("cockpit_rows_written_total", "Rows new in a table.", ["table"], registry=REGISTRY)
VIOLATIONS = Counter("cockpit_violations_total", "Violations recorded.", ["category", "severity"], registry=REGISTRY)
INCIDENTS = Gauge(
    "cockpit_incidents",
    "Incidents by status, counted every minute or so by each worker alike.",
    ["status"],
    registry=REGISTRY,
)
SHADOW_VIOLATIONS = Counter(
    "cockpit_shadow_violations_total",
    "What standards in shadow would have found.",
    ["standard"],
    registry=REGISTRY,
)
INDETERMINATE = Counter(
    "cockpit_indeterminate_total",
    "Differences of file times that clocks and stamps leave open, by the rule that saw them: no violations.",
    ["standard"],
    registry=REGISTRY,
)
VIOLATION_DETECTION = BatchHistogram(
    "cockpit_violation_detection_seconds",
    "From a record's Kafka timestamp to its commit in the database.",
    buckets=_SLO_EDGES,
    registry=REGISTRY,
)
STORE = Histogram(
    "cockpit_store_seconds",
    "Time of one database operation.",
    ["operation"],
    buckets=_SLO_EDGES,
    registry=REGISTRY,
)
STORE_RETRIES = Counter("cockpit_store_retries_total", "Database operations tried again.", registry=REGISTRY)
BATCH_RECORDS = Histogram(
    "cockpit_batch_records",
    "Records in one transaction.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
    registry=REGISTRY,
)
STANDARDS_LOOKUP = BatchHistogram(
    "cockpit_standards_lookup_seconds",
    "Holding one event against all active standards.",
    buckets=_FINE_EDGES,
    registry=REGISTRY,
)
STANDARDS_RELOAD = Counter(
    "cockpit_standards_reload_total", "Reloads of the standards cache.", ["outcome"], registry=REGISTRY
)
STANDARDS_REVISION = Gauge(
    "cockpit_standards_revision", "Revision of the standards this worker judges by.", registry=REGISTRY
)
STANDARDS_VERIFIED_AT = Gauge(
    "cockpit_standards_verified_timestamp_seconds",
    "When the standards that this worker judges by were last known to be those of the table, as Unix time.",
    registry=REGISTRY,
)
CLOCK_OFFSET = Gauge(
    "cockpit_clock_offset_seconds",
    "Last offset of a clock; positive: fast.",
    ["component", "protocol"],
    registry=REGISTRY,
)
CLOCK_STATE = Gauge(
    "cockpit_clock_state",
    "State of a clock: 0 synchronized, 1 drifting, 2 error.",
    ["component", "protocol"],
    registry=REGISTRY,
)
CLOCK_LATE_READINGS = Counter(
    "cockpit_clock_late_readings_total",
    "Readings older than the newest of their clock: recorded, and changing no state.",
    registry=REGISTRY,
)
CLOCK_READ_AT = Gauge(
    "cockpit_clock_read_timestamp_seconds",
    "When a clock was read last, as Unix time.",
    ["component", "protocol"],
    registry=REGISTRY,
)
DRIFT_ALERTS = Counter("cockpit_drift_alerts_total", "Drift alerts fired.", ["kind", "severity"], registry=REGISTRY)
CONSUMER_LAG = Gauge(
    "cockpit_consumer_lag_records",
    "Records behind the end of a partition.",
    ["topic", "partition"],
    registry=REGISTRY,
)
COMMITTED_OFFSET = Gauge(
    "cockpit_committed_offset",
    "The offset at which a partition would be read on after a restart.",
    ["topic", "partition"],
    registry=REGISTRY,
)
OLDEST_UNWRITTEN = Gauge(
    "cockpit_oldest_unwritten_seconds",
    "Age of the oldest consumed record that is not yet stored; 0: none waits.",
    registry=REGISTRY,
)
COMPLIANCE_QUERY = Histogram(
    "cockpit_compliance_query_seconds", "The 30-day compliance query.", buckets=_SLO_EDGES, registry=REGISTRY
)
TIFLASH_LAG = Gauge(
    "cockpit_tiflash_replica_lag_seconds", "How long a read of TiFlash waits.", ["table"], registry=REGISTRY
)
BUILD = Info("cockpit_build", "The running version.", registry=REGISTRY)
BUILD.info({"version": __version__})

for _outcome in ("changed", "unchanged", "refused", "failed"):
    STANDARDS_RELOAD.labels(_outcome)
