"""Metadata Governance: how soon violations are found, clocks, what became of the records, error budgets."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

from deploy.monitoring.grafana.panels import (
    Query,
    dashboard_of,
    heat,
    lines,
    number,
    quantiles,
    rows,
    states,
)

_RATE = "[$__rate_interval]"
_CLOCKS = '{component=~"$component"}'


def build() -> dashboard.Dashboard:
    """The dashboard."""
    board = dashboard_of(
        "metadata-governance", "Metadata Governance", "What the governance workers find, and how soon.", ["governance"]
    )
    board.with_variable(
        builders.QueryVariable("component")
        .label("Component")
        .description("Whose clocks.")
        .datasource(dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}"))
        .query("label_values(cockpit_clock_offset_seconds, component)")
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    )
    for add in (_now, _detection, _clocks, _records, _progress, _queries, _budgets):
        add(board)
    return board.build()


def _now(board: builders.Dashboard) -> None:
    dead = f'sum(rate(cockpit_records_total{{outcome="dead_lettered"}}{_RATE}))'
    records = f"sum(rate(cockpit_records_total{_RATE}))"
    board.with_row(builders.Row("Now"))
    board.with_panel(number("Workers", "That answer.", "short", "count(cockpit_build_info)"))
    board.with_panel(number("Records per second", "Consumed by all workers.", "ops", records))
    board.with_panel(
        number(
            "Dead-lettered",
            "Share of the records; alert at 1 %.",
            "percentunit",
            f"{dead} / {records}",
            good_below=0.01,
        )
    )
    board.with_panel(
        number(
            "Oldest unwritten record",
            "Its age; alert at 60 s.",
            "s",
            "max(cockpit_oldest_unwritten_seconds)",
            good_below=60,
        )
    )
    board.with_panel(
        number(
            "Clocks that drift",
            "Off by more than 10 ms; browsers: as the judge of clocks says. Not 0: alert ClockDrift.",
            "short",
            'count(max by (component, protocol) (abs(cockpit_clock_offset_seconds{protocol!="Browser"})) > 0.010'
            ' or max by (component, protocol) (cockpit_clock_state{protocol="Browser"}) == 1) or vector(0)',
            good_below=1,
        )
    )
    board.with_panel(
        number(
            "Standards, last compared",
            "How long ago the slowest worker knew that it judges by the table's standards; alert at 2 minutes.",
            "s",
            "max(time() - (cockpit_standards_verified_timestamp_seconds > 0))",
            good_below=120,
        )
    )
    board.with_panel(rows("Alerts that fire", "Watchdog always does.", Query('ALERTS{alertstate="firing"}')))


def _detection(board: builders.Dashboard) -> None:
    buckets = f"sum by (le) (rate(cockpit_violation_detection_seconds_bucket{_RATE}))"
    counts = f"sum by (le) (increase(cockpit_violation_detection_seconds_bucket{_RATE}))"
    board.with_row(builders.Row("Violation detection"))
    board.with_panel(heat("Violation detection latency", "From a record's Kafka timestamp to its commit.", "s", counts))
    board.with_panel(
        lines(
            "Violation detection latency, quantiles",
            "Objective: p99 under 50 ms; alert at 100 ms.",
            "s",
            *quantiles(buckets),
            limits=((0.05, "orange"), (0.1, "red")),
        )
    )
    board.with_panel(
        lines(
            "Violations found",
            "By category and severity.",
            "ops",
            Query(f"sum by (category, severity) (rate(cockpit_violations_total{_RATE}))", "{{category}} {{severity}}"),
            stacked=True,
        )
    )
    lookups = f"sum by (le) (rate(cockpit_standards_lookup_seconds_bucket{_RATE}))"
    board.with_panel(
        lines(
            "Holding an event against the standards",
            "Objective: under 20 ms.",
            "s",
            *quantiles(lookups),
            limits=((0.02, "red"),),
        )
    )


def _clocks(board: builders.Dashboard) -> None:
    board.with_row(builders.Row("Clocks"))
    board.with_panel(
        lines(
            "Clock drift",
            "Offset of each clock, positive: fast; alert beyond 10 ms either way.",
            "s",
            Query(
                f"max by (component, protocol) (cockpit_clock_offset_seconds{_CLOCKS})", "{{component}} {{protocol}}"
            ),
            Query("vector(0.010)", "limit, fast"),
            Query("vector(-0.010)", "limit, slow"),
        )
    )
    board.with_panel(
        states(
            "State of the clocks",
            "What the judge of clocks says of the newest reading.",
            Query(f"max by (component, protocol) (cockpit_clock_state{_CLOCKS})", "{{component}} {{protocol}}"),
            {"0": ("synchronized", "green"), "1": ("drifting", "red"), "2": ("error", "orange")},
        )
    )
    board.with_panel(
        lines(
            "Since the last reading",
            "Alert ComponentSilent after 15 minutes.",
            "s",
            Query(
                f"time() - max by (component, protocol) (cockpit_clock_read_timestamp_seconds{_CLOCKS})",
                "{{component}} {{protocol}}",
            ),
            limits=((900, "red"),),
        )
    )
    board.with_panel(
        lines(
            "Drift alerts published",
            "To the topic drift-alerts.v1, by kind and severity.",
            "ops",
            Query(f"sum by (kind, severity) (rate(cockpit_drift_alerts_total{_RATE}))", "{{kind}} {{severity}}"),
        )
    )


def _records(board: builders.Dashboard) -> None:
    board.with_row(builders.Row("Records"))
    board.with_panel(
        lines(
            "Records by outcome",
            "Stored, duplicate or dead-lettered: their sum is what was consumed.",
            "ops",
            Query(f"sum by (outcome) (rate(cockpit_records_total{_RATE}))", "{{outcome}}"),
            stacked=True,
        )
    )
    board.with_panel(
        lines(
            "Dead letters by topic",
            "`cockpit dlq list` tells their reasons.",
            "ops",
            Query(f'sum by (topic) (rate(cockpit_records_total{{outcome="dead_lettered"}}{_RATE}))', "{{topic}}"),
        )
    )
    board.with_panel(
        lines(
            "Rows written",
            "By table.",
            "ops",
            Query(f"sum by (table) (rate(cockpit_rows_written_total{_RATE}))", "{{table}}"),
            stacked=True,
        )
    )
    sizes = f"sum by (le) (rate(cockpit_batch_records_bucket{_RATE}))"
    board.with_panel(lines("Records in a transaction", "They grow with the load.", "short", *quantiles(sizes)))


def _progress(board: builders.Dashboard) -> None:
    board.with_row(builders.Row("Progress"))
    board.with_panel(
        lines(
            "Consumer lag",
            "Records behind the end of each topic's partitions.",
            "short",
            Query("sum by (topic) (max by (topic, partition) (cockpit_consumer_lag_records))", "{{topic}}"),
        )
    )
    board.with_panel(
        lines(
            "Oldest unwritten record",
            "Its age, by worker; alert at 60 s.",
            "s",
            Query("max by (instance) (cockpit_oldest_unwritten_seconds)", "{{instance}}"),
            limits=((60, "red"),),
        )
    )


def _queries(board: builders.Dashboard) -> None:
    compliance = "sum by (le) (rate(cockpit_compliance_query_seconds_bucket[15m]))"
    board.with_row(builders.Row("Queries"))
    board.with_panel(
        lines(
            "Compliance query, 30 days",
            "As the workers time it; objective: under 1 s.",
            "s",
            *quantiles(compliance),
            Query(
                "sum(rate(cockpit_compliance_query_seconds_sum[15m]))"
                " / sum(rate(cockpit_compliance_query_seconds_count[15m]))",
                "average",
            ),
            limits=((1, "red"),),
        )
    )
    board.with_panel(
        lines(
            "TiFlash lag by table",
            "How long a read of TiFlash waits for its replica; aim 10 s, alert at 30 s.",
            "s",
            Query("max by (table) (cockpit_tiflash_replica_lag_seconds)", "{{table}}"),
            limits=((10, "orange"), (30, "red")),
        )
    )


def _budgets(board: builders.Dashboard) -> None:
    board.with_row(builders.Row("Error budgets"))
    board.with_panel(
        lines(
            "Error budget left, 30 days",
            "1: nothing used; below 0: the objective is missed.",
            "percentunit",
            Query("slo:period_error_budget_remaining:ratio", "{{slo}}"),
        )
    )
    board.with_panel(
        lines(
            "Burn rate",
            "How often the last hour's errors, kept up for 30 days, would use up the budget of 1 %; 14.4 pages.",
            "short",
            Query("slo:sli_error:ratio_rate1h / 0.01", "{{slo}}"),
            limits=((1, "orange"), (14.4, "red")),
        )
    )
