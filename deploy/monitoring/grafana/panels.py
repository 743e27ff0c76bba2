"""The few kinds of panel that the dashboards are built of, over grafana-foundation-sdk.

Every panel has a title, a line that says what to look for, a unit and queries; `$datasource` is the only data source.
"""

from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models

DATASOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHT = 8


class Query(NamedTuple):
    """PromQL, and what a series of its answer is called."""

    expr: str
    legend: str = ""


def quantiles(buckets: str) -> list[Query]:
    """p50, p95 and p99 of a rate of buckets by `le`."""
    return [Query(f"histogram_quantile({q}, {buckets})", f"p{round(q * 100)}") for q in (0.5, 0.95, 0.99)]


def number(title: str, about: str, unit: str, expr: str, *, good_below: float | None = None, width: int = 4) -> Any:
    """One number now; green up to `good_below` and red above, where that is given."""
    panel = (
        stat.Panel()
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(Query(expr), "A").instant())
    )
    panel.thresholds(_limits() if good_below is None else _limits((good_below, "red")))
    return _framed(panel, title, about, unit, width, height=4)


def lines(
    title: str,
    about: str,
    unit: str,
    *queries: Query,
    limits: tuple[tuple[float, str], ...] = (),
    stacked: bool = False,
    width: int = 12,
) -> Any:
    """Lines over time; each limit is a dashed line of its value and colour."""
    panel = timeseries.Panel().line_width(1).fill_opacity(30 if stacked else 5).show_points(common.VisibilityMode.AUTO)
    panel.legend(
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
        .show_legend(True)
    )
    panel.tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    if stacked:
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    if limits:
        panel.thresholds(_limits(*limits))
        panel.thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    for place, query in enumerate(queries):
        panel.with_target(_target(query, chr(ord("A") + place)).range())
    return _framed(panel, title, about, unit, width)


def heat(title: str, about: str, unit: str, expr: str, width: int = 12) -> Any:
    """How many fell into each bucket over time; `expr` is by `le`."""
    target = _target(Query(expr, "{{le}}"), "A").format(prometheus_models.PromQueryFormat.HEATMAP).range()
    panel = (
        heatmap.Panel()
        .calculate(False)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(heatmap_models.HeatmapColorMode.SCHEME)
            .scheme("Oranges")
            .fill("dark-orange")
            .exponent(0.5)
            .steps(64)
        )
        .y_axis(heatmap.YAxisConfig().unit(unit).axis_placement(common.AxisPlacement.LEFT))
        .cell_gap(1)
        .show_legend()
        .with_target(target)
    )
    return _framed(panel, title, about, "short", width)


def states(title: str, about: str, query: Query, names: dict[str, tuple[str, str]], width: int = 12) -> Any:
    """A bar for each series, coloured by its value; `names` is value → (word, colour)."""
    mapping = dashboard.ValueMap(
        options={
            value: dashboard.ValueMappingResult(text=word, color=colour, index=place)
            for place, (value, (word, colour)) in enumerate(names.items())
        }
    )
    panel = statetimeline.Panel().mappings([mapping]).with_target(_target(query, "A").range())
    return _framed(panel, title, about, "short", width)


def rows(title: str, about: str, query: Query, width: int = 24) -> Any:
    """The series that there are now, one a row."""
    target = _target(query, "A").format(prometheus_models.PromQueryFormat.TABLE).instant()
    panel = table.Panel().with_target(target)
    panel.with_transformation(
        dashboard.DataTransformerConfig(
            id_val="organize", options={"excludeByName": {"Time": True, "Value": True, "__name__": True}}
        )
    )
    return _framed(panel, title, about, "short", width)


def dashboard_of(uid: str, title: str, about: str, tags: list[str]) -> builders.Dashboard:
    """An empty dashboard with its data source variable: read-only, because its file is generated."""
    source = builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    source.current(dashboard.VariableOption(selected=True, text="Prometheus", value="prometheus"))
    return (
        builders.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags(["cockpit", *tags])
        .readonly()
        .time("now-3h", "now")
        .timezone("utc")
        .refresh("30s")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(source)
    )


def _target(query: Query, ref: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(ref).expr(query.expr).datasource(DATASOURCE)
    return target.legend_format(query.legend or "__auto")


def _limits(*steps: tuple[float, str]) -> builders.ThresholdsConfig:
    base = dashboard.Threshold(value=None, color="green")
    later = [dashboard.Threshold(value=value, color=colour) for value, colour in steps]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps([base, *later])


def _framed(panel: Any, title: str, about: str, unit: str, width: int, height: int = HEIGHT) -> Any:
    return panel.title(title).description(about).unit(unit).datasource(DATASOURCE).span(width).height(height)
