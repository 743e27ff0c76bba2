"""TiDB Health: nodes, TiFlash, queries, storage, request units.

The queries read the names of prometheus/rules/tidb.yml, which hide whether TiDB or TiDB Cloud told them; `$source`
chooses. TiDB Cloud Starter tells nothing: there the last row, measured by the workers, is what there is.
"""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

from deploy.monitoring.grafana.panels import Query, dashboard_of, lines, number, quantiles, states

SOURCES = ("self-managed", "cloud")
_OF_SOURCE = 'source="$source"'


def build() -> dashboard.Dashboard:
    """The dashboard."""
    board = dashboard_of("tidb-health", "TiDB Health", "The database beneath the governance workers.", ["tidb"])
    board.with_variable(
        builders.CustomVariable("source")
        .label("TiDB")
        .description("Whose metrics: TiDB's own, or those of TiDB Cloud Dedicated.")
        .values(",".join(SOURCES))
        .options([dashboard.VariableOption(selected=s == SOURCES[0], text=s, value=s) for s in SOURCES])
        .current(dashboard.VariableOption(selected=True, text=SOURCES[0], value=SOURCES[0]))
    )
    for add in (_nodes, _tiflash, _queries, _storage, _request_units, _as_workers_see_it):
        add(board)
    return board.build()


def _nodes(board: builders.Dashboard) -> None:
    tikv = f'tidb:node_up{{{_OF_SOURCE},component="tikv"}}'
    board.with_row(builders.Row("Nodes"))
    board.with_panel(number("TiKV nodes up", "Nodes that answer.", "short", f"sum({tikv})"))
    board.with_panel(
        number("TiKV nodes down", "Not 0: alert TikvDown.", "short", f"count({tikv}) - sum({tikv})", good_below=1)
    )
    board.with_panel(
        states(
            "Nodes",
            "Every node that is known, and when it did not answer.",
            Query(f"tidb:node_up{{{_OF_SOURCE}}}", "{{component}} {{instance}}"),
            {"0": ("down", "red"), "1": ("up", "green")},
            width=16,
        )
    )
    board.with_panel(
        lines(
            "Stores as PD sees them (self-managed)",
            "Disconnected: no heartbeat for 20 s; down: for 30 minutes. Counts TiKV and TiFlash.",
            "short",
            Query('max by (type) (pd_cluster_status{type=~"store_.*_count"})', "{{type}}"),
            width=24,
        )
    )


def _tiflash(board: builders.Dashboard) -> None:
    board.with_row(builders.Row("TiFlash"))
    board.with_panel(
        lines(
            "TiFlash lag by table",
            "How long a read of TiFlash waits for its replica, measured by the workers; aim 10 s, alert at 30 s.",
            "s",
            Query("max by (table) (cockpit_tiflash_replica_lag_seconds)", "{{table}}"),
            limits=((10, "orange"), (30, "red")),
        )
    )
    board.with_panel(
        lines(
            "Waits that TiFlash tells of (self-managed)",
            "Has samples only while queries read TiFlash.",
            "s",
            *quantiles("sum by (le) (rate(tiflash_syncing_data_freshness_bucket[$__rate_interval]))"),
            limits=((10, "orange"), (30, "red")),
        )
    )


def _queries(board: builders.Dashboard) -> None:
    board.with_row(builders.Row("Queries"))
    board.with_panel(
        lines(
            "Query latency",
            "Without TiDB's own queries; alert when p95 is over 500 ms.",
            "s",
            *quantiles(f"tidb:query_duration_seconds_bucket:rate5m{{{_OF_SOURCE}}}"),
            limits=((0.5, "red"),),
        )
    )
    board.with_panel(
        lines(
            "Queries per second",
            "By kind of statement.",
            "reqps",
            Query(f"tidb:queries:rate5m{{{_OF_SOURCE}}}", "{{type}}"),
            stacked=True,
        )
    )


def _storage(board: builders.Dashboard) -> None:
    used, capacity = (f"tidb:storage_{what}_bytes{{{_OF_SOURCE}}}" for what in ("used", "capacity"))
    board.with_row(builders.Row("Storage"))
    board.with_panel(
        lines(
            "Used, row and columnar",
            "Row: TiKV; columnar: TiFlash.",
            "bytes",
            Query(f"sum by (storage) ({used})", "{{storage}}"),
            stacked=True,
        )
    )
    board.with_panel(
        lines(
            "Share used, by node",
            "Alert at 80 %: a full node takes no writes.",
            "percentunit",
            Query(f"{used} / {capacity}", "{{storage}} {{instance}}"),
            limits=((0.8, "red"),),
        )
    )


def _request_units(board: builders.Dashboard) -> None:
    units = f"tidb:request_units:rate5m{{{_OF_SOURCE}}}"
    board.with_row(builders.Row("Request units"))
    board.with_panel(
        lines(
            "Request units per second",
            "What resource control counts, and TiDB Cloud bills.",
            "short",
            Query(f"sum by (kind) ({units})", "{{kind}}"),
            stacked=True,
        )
    )
    board.with_panel(
        lines(
            "Request units of a month at this rate",
            "Last hour's average times 30 days.",
            "short",
            Query(f"sum(avg_over_time({units}[1h])) * 30 * 86400", "a month"),
        )
    )


def _as_workers_see_it(board: builders.Dashboard) -> None:
    buckets = "sum by (le, operation) (rate(cockpit_store_seconds_bucket[$__rate_interval]))"
    board.with_row(builders.Row("As the workers see it"))
    board.with_panel(
        lines(
            "Database operations, p99",
            "From the worker's side: network and waiting included.",
            "s",
            Query(f"histogram_quantile(0.99, {buckets})", "{{operation}}"),
        )
    )
    board.with_panel(
        lines(
            "Operations tried again",
            "Above 0: the database is away or busy.",
            "ops",
            Query("sum by (instance) (rate(cockpit_store_retries_total[$__rate_interval]))", "{{instance}}"),
        )
    )
