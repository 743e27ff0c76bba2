"""When each alert fires, when it stops, and when it must stay quiet: the input of `promtool test rules`.

Values are promtool's: `1+0x4` is five samples of 1, `0+10x4` counts up by ten, `_` is a missed scrape, `stale` the end
of a series. The first sample is at 0, the next one `interval` later.
"""

from dataclasses import dataclass, field

Series = dict[str, str]


@dataclass(frozen=True)
class Fires:
    """The alert fires at one time with these labels and this summary, and no more at another; never before `quiet`."""

    alert: str
    series: Series
    quiet: str
    fires: str
    recovers: str
    summary: str
    labels: dict[str, str] = field(default_factory=dict)
    interval: str = "1m"


@dataclass(frozen=True)
class Quiet:
    """The alert does not fire at any of these times; `why` is what might have been taken for it."""

    alert: str
    why: str
    series: Series
    at: tuple[str, ...]
    interval: str = "1m"


def _up(job: str, instance: str) -> str:
    return f'up{{job="{job}",instance="{instance}"}}'


def _query(le: str, sql_type: str = "Select") -> str:
    return f'tidb_server_handle_query_duration_seconds_bucket{{le="{le}",sql_type="{sql_type}"}}'


def _detection(le: str) -> str:
    return f'cockpit_violation_detection_seconds_bucket{{le="{le}"}}'


_CLOCK = 'component="api",protocol="NTP"'
_BROWSER = 'component="web",protocol="Browser"'
_TOPIC = "governance.clock-sync.v1"
_PARTITION = f'topic="{_TOPIC}",partition="2"'
_CAPACITY = 'tikv_store_size_bytes{instance="tikv-0:20180",type="capacity"}'
_USED = 'tikv_store_size_bytes{instance="tikv-0:20180",type="used"}'
_DETECTED = "cockpit_violation_detection_seconds_count"
_VERIFIED = 'cockpit_standards_verified_timestamp_seconds{instance="w-1:9108"}'
_READ_AT = f"cockpit_clock_read_timestamp_seconds{{{_CLOCK}}}"


def _records(outcome: str) -> str:
    return f'cockpit_records_total{{topic="{_TOPIC}",outcome="{outcome}"}}'


TIDB: list[Fires | Quiet] = [
    Fires(
        "TikvDown",
        {_up("tikv", "tikv-0:20180"): "1+0x4 0+0x9 1+0x9", _up("tikv", "tikv-1:20180"): "1+0x30"},
        quiet="5m",
        fires="7m",
        recovers="16m",
        labels={"source": "self-managed", "component": "tikv", "job": "tikv", "instance": "tikv-0:20180"},
        summary="TiKV tikv-0:20180 is down; 1 of 2 TiKV nodes are up",
    ),
    Fires(  # TiDB Cloud: a node that is down has no metrics
        "TikvDown",
        {
            'tidbcloud_node_storage_capacity_bytes{component="tikv",instance="db-tikv-0"}': "9+0x4 stale _x8 9+0x9",
            'tidbcloud_node_storage_capacity_bytes{component="tikv",instance="db-tikv-1"}': "9+0x30",
        },
        quiet="5m",
        fires="7m",
        recovers="16m",
        labels={"source": "cloud", "component": "tikv", "instance": "db-tikv-0"},
        summary="TiKV db-tikv-0 is down; 1 of 2 TiKV nodes are up",
    ),
    Quiet("TikvDown", "one missed scrape", {_up("tikv", "tikv-0:20180"): "1 1 1 0 1 1 1 1"}, ("3m", "4m", "6m")),
    Quiet("TikvDown", "another node", {_up("tiflash", "tiflash:8234"): "0+0x20"}, ("10m", "20m")),
    Quiet(
        "TikvDown",
        "a cloud node that was removed an hour ago",
        {'tidbcloud_node_storage_capacity_bytes{component="tikv",instance="db-tikv-0"}': "9+0x4 stale"},
        ("66m", "80m"),
    ),
    Fires(
        "TiflashReplicationLag",
        {'cockpit_tiflash_replica_lag_seconds{table="metadata_violations",instance="w-1"}': "2+0x4 45+0x5 2+0x9"},
        quiet="5m",
        fires="7m",
        recovers="11m",
        labels={"table": "metadata_violations"},
        summary="TiFlash is 45s behind on metadata_violations (limit 30s)",
    ),
    Quiet(
        "TiflashReplicationLag",
        "a lag that is allowed",
        {'cockpit_tiflash_replica_lag_seconds{table="metadata_violations"}': "29+0x20"},
        ("10m", "20m"),
    ),
    Fires(
        "TiflashLagUnknown",
        {
            _up("tiflash", "tiflash-0:8234"): "1+0x40",
            _up("tiflash", "tiflash-1:8234"): "1+0x40",
            'cockpit_tiflash_replica_lag_seconds{table="metadata_violations"}': "_x25 2+0x14",
        },
        quiet="14m",
        fires="16m",
        recovers="26m",
        summary="There are 2 TiFlash nodes and no worker measures how far they are behind",
    ),
    Quiet("TiflashLagUnknown", "no TiFlash", {_up("tikv", "tikv-0:20180"): "1+0x40"}, ("20m", "40m")),
    Fires(
        "StorageAlmostFull",
        {_USED: "70+0x4 85+0x15 70+0x9", _CAPACITY: "100+0x30"},
        quiet="14m",
        fires="16m",
        recovers="22m",
        labels={"source": "self-managed", "storage": "row", "instance": "tikv-0:20180"},
        summary="tikv-0:20180 (row storage) is 85% full (limit 80%)",
    ),
    Fires(
        "StorageAlmostFull",
        {
            'tidbcloud_node_storage_used_bytes{component="tiflash",instance="db-tiflash-0"}': "9+0x15 1+0x14",
            'tidbcloud_node_storage_capacity_bytes{component="tiflash",instance="db-tiflash-0"}': "10+0x30",
        },
        quiet="9m",
        fires="11m",
        recovers="17m",
        labels={"source": "cloud", "storage": "columnar", "instance": "db-tiflash-0"},
        summary="db-tiflash-0 (columnar storage) is 90% full (limit 80%)",
    ),
    Quiet("StorageAlmostFull", "80 % and no more", {_USED: "80+0x30", _CAPACITY: "100+0x30"}, ("15m", "30m")),
    Quiet("StorageAlmostFull", "the capacity is not told", {_USED: "85+0x30"}, ("15m", "30m")),
    Fires(
        "QueryLatencyHigh",
        {
            _query("0.5"): "0+0x15 600+600x24",
            _query("1"): "0+600x40",
            _query("+Inf"): "0+600x40",
            _query("1", "internal"): "0+0x40",
        },
        quiet="4m",
        fires="10m",
        recovers="25m",
        summary="TiDB's p95 query latency is 975ms (limit 500ms)",
        labels={"source": "self-managed"},
    ),
    Quiet(
        "QueryLatencyHigh",
        "TiDB's own queries are slow",
        {
            _query("0.5"): "0+600x30",
            _query("+Inf"): "0+600x30",
            _query("0.5", "internal"): "0+0x30",
            _query("1", "internal"): "0+6000x30",
            _query("+Inf", "internal"): "0+6000x30",
        },
        ("10m", "30m"),
    ),
]

GOVERNANCE: list[Fires | Quiet] = [
    Fires(
        "ClockDrift",
        {f"cockpit_clock_offset_seconds{{{_CLOCK}}}": "0.001+0x4 -0.025+0x4 0.002+0x9"},
        quiet="5m",
        fires="6m",
        recovers="10m",
        labels={"component": "api", "protocol": "NTP"},
        summary="The NTP clock of api is off by 25ms (limit 10ms)",
    ),
    Fires(
        "ClockDrift",
        {
            f"cockpit_clock_offset_seconds{{{_BROWSER}}}": "0.04+0x4 0.15+0x4 0.04+0x9",
            f"cockpit_clock_state{{{_BROWSER}}}": "0+0x4 1+0x4 0+0x9",
        },
        quiet="5m",
        fires="6m",
        recovers="10m",
        labels={"component": "web", "protocol": "Browser"},
        summary="The Browser clock of web is off by 150ms (limit 100ms)",
    ),
    Quiet(
        "ClockDrift",
        "a browser within its round trip",
        {
            f"cockpit_clock_offset_seconds{{{_BROWSER}}}": "0.04+0x20",
            f"cockpit_clock_state{{{_BROWSER}}}": "0+0x20",
        },
        ("5m", "20m"),
    ),
    Quiet("ClockDrift", "exactly 10 ms", {f"cockpit_clock_offset_seconds{{{_CLOCK}}}": "-0.01+0x20"}, ("5m", "20m")),
    Fires(
        "ClockUnsynchronised",
        {f"cockpit_clock_state{{{_CLOCK}}}": "0+0x4 2+0x9 0+0x9"},
        quiet="9m",
        fires="11m",
        recovers="15m",
        labels={"component": "api", "protocol": "NTP"},
        summary="The NTP clock of api says that it is not synchronised (state 2)",
    ),
    Quiet("ClockUnsynchronised", "it drifts", {f"cockpit_clock_state{{{_CLOCK}}}": "1+0x20"}, ("10m", "20m")),
    Fires(
        "ComponentSilent",
        {_READ_AT: "0+60x10 600+0x24 2160+60x9"},
        quiet="25m",
        fires="27m",
        recovers="36m",
        labels={"component": "api", "protocol": "NTP"},
        summary="No reading of the NTP clock of api for 17m 0s (limit 15m)",
    ),
    Quiet("ComponentSilent", "a reading every 14 minutes", {_READ_AT: "0+840x9"}, ("42m", "98m"), interval="14m"),
    Quiet("ComponentSilent", "it was never read", {'cockpit_build_info{version="1"}': "1+0x40"}, ("20m", "40m")),
    Fires(
        "ViolationDetectionSlow",
        {
            _detection("0.1"): "0+0x15 600+600x24",
            _detection("0.2"): "0+600x40",
            _detection("+Inf"): "0+600x40",
            _DETECTED: "0+600x40",
        },
        quiet="4m",
        fires="10m",
        recovers="25m",
        summary="From Kafka to the database takes 199ms at p99 (limit 100ms)",
    ),
    Quiet(
        "ViolationDetectionSlow",
        "one slow record a minute says nothing of p99",
        {_detection("0.1"): "0+0x30", _detection("0.2"): "0+1x30", _detection("+Inf"): "0+1x30", _DETECTED: "0+1x30"},
        ("10m", "30m"),
    ),
]

WORKER: list[Fires | Quiet] = [
    Fires(
        "WorkerAbsent",
        {'cockpit_build_info{version="1",instance="w-1:9108"}': "1+0x4 stale _x8 1+0x9"},
        quiet="6m",
        fires="8m",
        recovers="15m",
        summary="There are 0 workers for two minutes; nothing is consumed",
    ),
    Quiet(
        "WorkerAbsent",
        "one of two is gone",
        {
            'cockpit_build_info{version="1",instance="w-1:9108"}': "1+0x4 stale",
            'cockpit_build_info{version="1",instance="w-2:9108"}': "1+0x20",
        },
        ("10m", "20m"),
    ),
    Fires(
        "WorkerDown",
        {
            _up("cockpit", "w-1:9108"): "1+0x4 0+0x9 1+0x9",
            'cockpit_build_info{version="1",instance="w-2:9108"}': "1+0x30",
        },
        quiet="9m",
        fires="11m",
        recovers="15m",
        labels={"job": "cockpit", "instance": "w-1:9108"},
        summary="The worker w-1:9108 does not answer; 1 workers do",
    ),
    Quiet("WorkerDown", "another job", {_up("tidb", "tidb:10080"): "0+0x20"}, ("10m", "20m")),
    Fires(
        "RecordsWaiting",
        {'cockpit_oldest_unwritten_seconds{instance="w-1:9108"}': "0+0x4 90+0x5 0+0x9"},
        quiet="6m",
        fires="8m",
        recovers="11m",
        labels={"instance": "w-1:9108"},
        summary="The worker w-1:9108 holds a record that has waited 1m 30s for the database (limit 1m)",
    ),
    Quiet(
        "RecordsWaiting",
        "a minute, again and again",
        {'cockpit_oldest_unwritten_seconds{instance="w-1:9108"}': "60+0x20"},
        ("10m", "20m"),
    ),
    Fires(
        "PartitionStuck",
        {
            f"cockpit_consumer_lag_records{{{_PARTITION}}}": "0+0x4 5+0x20 0+0x9",
            f"cockpit_committed_offset{{{_PARTITION}}}": "100+10x4 140+0x20 150+0x9",
        },
        quiet="14m",
        fires="16m",
        recovers="26m",
        labels={"topic": _TOPIC, "partition": "2"},
        summary=f"Partition 2 of {_TOPIC} does not move, and 5 records wait in it",
    ),
    Quiet(
        "PartitionStuck",
        "it lags and moves",
        {
            f"cockpit_consumer_lag_records{{{_PARTITION}}}": "500+0x30",
            f"cockpit_committed_offset{{{_PARTITION}}}": "100+10x30",
        },
        ("15m", "30m"),
    ),
    Quiet(
        "PartitionStuck",
        "the marker of a producer's transaction",
        {
            f"cockpit_consumer_lag_records{{{_PARTITION}}}": "1+0x30",
            f"cockpit_committed_offset{{{_PARTITION}}}": "100+0x30",
        },
        ("15m", "30m"),
    ),
    Fires(
        "DeadLetterRatioHigh",
        {_records("dead_lettered"): "0+10x20 200+0x20", _records("stored"): "0+90x40"},
        quiet="4m",
        fires="15m",
        recovers="32m",
        labels={"topic": _TOPIC},
        summary=f"10% of the records of {_TOPIC} are dead-lettered (limit 1%)",
    ),
    Quiet(
        "DeadLetterRatioHigh",
        "one in two hundred",
        {_records("dead_lettered"): "0+1x40", _records("stored"): "0+199x40"},
        ("15m", "40m"),
    ),
    Quiet("DeadLetterRatioHigh", "a few, and nothing else", {_records("dead_lettered"): "0 5+0x40"}, ("8m", "40m")),
    Quiet(
        "DeadLetterRatioHigh",
        "the counters begin anew with the worker",
        {_records("dead_lettered"): "90+0x5 0+0x30", _records("stored"): "90+0x5 0+9x30"},
        ("8m", "12m", "30m"),
    ),
    Fires(
        "StandardsStale",
        {_VERIFIED: "1+60x10 601+0x9 1260+60x9"},
        quiet="13m",
        fires="14m",
        recovers="21m",
        labels={"instance": "w-1:9108"},
        summary="The worker w-1:9108 judges by standards that it last compared with the table 3m 59s ago (limit 2m)",
    ),
    Quiet("StandardsStale", "a worker that still waits for its database", {_VERIFIED: "0+0x20"}, ("10m", "20m")),
]


def _slow(alert: str, count: str, fast: str, said: str) -> list[Fires | Quiet]:
    """One event a second of which 5 % are slow for an hour; and 0.5 % all the time."""
    return [
        Fires(
            alert,
            {count: "0+300x84", fast: "0+285x12 3720+300x71"},
            quiet="15m",
            fires="1h",
            recovers="6h45m",
            labels={"slo": said.split(":")[0]},
            summary=f"5% break the objective that {said.split(': ')[1]} (1% may); the month's budget burns too fast",
            interval="5m",
        ),
        Quiet(alert, "half of what is allowed", {count: "0+1000x84", fast: "0+995x84"}, ("1h", "7h"), interval="5m"),
    ]


_CLOCK_STATUS = 'operation="clock_status"'
SLO: list[Fires | Quiet] = [
    Fires(
        "ViolationDetectionBudgetBurnFast",
        {_DETECTED: "0+600x180", _detection("0.05"): "0+300x90 27600+600x89"},
        quiet="2m",
        fires="30m",
        recovers="2h10m",
        labels={"slo": "violation-detection"},
        summary="50% break the objective that records are stored within 50 ms of their Kafka timestamp (1% may); "
        "the month's budget burns too fast",
    ),
    Quiet(
        "ViolationDetectionBudgetBurnFast",
        "a slow burn",
        {_DETECTED: "0+600x180", _detection("0.05"): "0+570x180"},
        ("1h", "3h"),
    ),
    Quiet(
        "ViolationDetectionBudgetBurnFast",
        "two slow records an hour",
        {_DETECTED: "0+1x6", _detection("0.05"): "0+0x6"},
        ("1h", "3h"),
        interval="30m",
    ),
    *_slow(
        "ViolationDetectionBudgetBurnSlow",
        _DETECTED,
        _detection("0.05"),
        "violation-detection: records are stored within 50 ms of their Kafka timestamp",
    ),
    *_slow(
        "StandardsLookupBudgetBurnSlow",
        "cockpit_standards_lookup_seconds_count",
        'cockpit_standards_lookup_seconds_bucket{le="0.02"}',
        "standards-lookup: an event is held against all standards within 20 ms",
    ),
    *_slow(
        "ComplianceQueryBudgetBurnSlow",
        "cockpit_compliance_query_seconds_count",
        'cockpit_compliance_query_seconds_bucket{le="1.0"}',
        "compliance-query: the 30-day compliance query answers within 1 s",
    ),
    *_slow(
        "ClockStatusBudgetBurnSlow",
        f"cockpit_store_seconds_count{{{_CLOCK_STATUS}}}",
        f'cockpit_store_seconds_bucket{{{_CLOCK_STATUS},le="0.01"}}',
        "clock-status: the newest reading of a clock is read within 10 ms",
    ),
]

CASES = {"tidb.yml": TIDB, "governance.yml": GOVERNANCE, "worker.yml": WORKER, "slo.yml": SLO}
NEVER_RECOVERS = {"Watchdog"}
