"""The charts: throughput against peers, latency against offered load, cost against growth; PNG and SVG."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

_OURS, _OTHERS, _BOUND = "#1b6ca8", "#9aa5b1", "#d9b44a"
_COLOURS = {"cockpit": _OURS, "aiokafka_loop": "#c0504d", "faust_take": "#7f8c4d"}
Series = dict[str, Any]


def draw(document: dict[str, Any], folder: Path) -> list[Path]:
    """Draw what the document has series for; returns the pictures that were written."""
    # Imported late, for it takes a second; and drawn without any screen.
    import matplotlib

    matplotlib.use("Agg")
    # The same numbers give the same file.
    matplotlib.rcParams.update({"svg.hashsalt": "bench", "font.size": 9, "axes.spines.top": False,
                                "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3})  # fmt: skip
    series = document["series"]
    written: list[Path] = []
    for name, wanted, draw_one in (
        ("throughput", ("throughput",), _throughput),
        ("latency", ("latency",), _latency),
        ("growth", tuple(_GROWTH), _growth),
        ("soak", ("soak",), _soak),
        ("overload", ("overload",), _overload),
    ):
        if any(series.get(key) for key in wanted):
            written += _save(draw_one(series), folder / name)
    return written


def _save(figure: Any, path: Path) -> list[Path]:
    from matplotlib import pyplot

    pictures = [path.with_suffix(".png"), path.with_suffix(".svg")]
    for picture in pictures:
        unchanging = {"Date": None} if picture.suffix == ".svg" else None
        figure.savefig(picture, dpi=144, bbox_inches="tight", metadata=unchanging)
    pyplot.close(figure)
    return pictures


def _throughput(series: Series) -> Any:
    from matplotlib import pyplot

    rows = sorted(series["throughput"], key=lambda row: row["median"])
    figure, axes = pyplot.subplots(figsize=(7.5, 0.6 + 0.42 * len(rows)))
    medians = [row["median"] for row in rows]
    spread = [[row["median"] - row["least"] for row in rows], [row["most"] - row["median"] for row in rows]]
    colours = [_OURS if row["name"] == "cockpit" else _BOUND if row["name"] == "floor" else _OTHERS for row in rows]
    axes.barh([row["title"] for row in rows], medians, xerr=spread, color=colours, ecolor="#444444", capsize=2)
    for place, row in enumerate(rows):
        axes.annotate(f"{row['median']:,.0f}", (row["most"], place), xytext=(5, 0), textcoords="offset points",
                      va="center")  # fmt: skip
    axes.set_xlim(0, max(row["most"] for row in rows) * 1.12)
    axes.set_xlabel("files a second, topic → validated → committed; median, least and most of the rounds")
    axes.grid(visible=False, axis="y")
    return figure


def _latency(series: Series) -> Any:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 4))
    for name in dict.fromkeys(row["name"] for row in series["latency"]):
        rows = sorted((row for row in series["latency"] if row["name"] == name), key=lambda row: row["rate"])
        rates, colour = [row["rate"] for row in rows], _COLOURS.get(name, _OTHERS)
        axes.plot(rates, [row["p99_ms"] for row in rows], "o-", color=colour, label=f"{rows[0]['title']}, p99")
        axes.plot(rates, [row["p50_ms"] for row in rows], "o:", color=colour, label=f"{rows[0]['title']}, median")
    _log_log(axes, "events of one file a second, sent without waiting", "ms, intended time → committed")
    marks: list[float] = []
    for rate in sorted({row["rate"] for row in series["latency"]}):
        if not marks or rate > marks[-1] * 1.15:  # else the numbers would lie over each other
            marks.append(rate)
    axes.set_xticks(marks, [f"{rate:,.0f}" for rate in marks])
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3)
    return figure


def _rules(axes: Any, rows: list[dict[str, Any]]) -> None:
    x = [row["rules"] for row in rows]
    axes.plot(x, [row["mean_us"] for row in rows], "o-", color=_OURS, label="mean")
    axes.plot(x, [row["p99_us"] for row in rows], "o:", color=_OURS, label="p99")
    _log_log(axes, "regex standards", "µs, look-up of one event")
    axes.legend(frameon=False)


def _stored(axes: Any, rows: list[dict[str, Any]]) -> None:
    x = [row["rows"] for row in rows]
    axes.plot(x, [row["rollup_ms"] for row in rows], "o-", color=_OURS, label="the report")
    axes.plot(x, [row["scan_ms"] for row in rows], "o:", color=_OTHERS, label="a full scan")
    _log_log(axes, "violations stored", "ms, 30-day compliance")
    axes.legend(frameon=False)


def _workers(axes: Any, rows: list[dict[str, Any]]) -> None:
    axes.bar([str(row["workers"]) for row in rows], [row["files_per_second"] for row in rows], color=_OURS, width=0.5)
    axes.set_xlabel("workers on the same cores")
    axes.set_ylabel("files/s")
    axes.grid(visible=False, axis="x")


def _files(axes: Any, rows: list[dict[str, Any]]) -> None:
    axes.plot([row["files_per_event"] for row in rows], [row["files_per_second"] for row in rows], "o-", color=_OURS)
    axes.set_xscale("log")
    axes.set_ylim(0, max(row["files_per_second"] for row in rows) * 1.1)
    axes.set_xlabel("files in an event")
    axes.set_ylabel("files/s")


def _log_log(axes: Any, x: str, y: str) -> None:
    from matplotlib.ticker import LogLocator

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))  # within one decade a single number would stand there
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _soak(series: Series) -> Any:
    """Latency, lag, memory, descriptors and connections over the minutes."""
    from matplotlib import pyplot

    told = series["soak"]
    figure, (latency, lag, memory, handles) = pyplot.subplots(4, 1, figsize=(8, 8.5), sharex=True, layout="constrained")
    length = told["minutes"] / len(told["segments"])
    minutes = [(number + 0.5) * length for number in range(len(told["segments"]))]
    latency.plot(minutes, [segment["p99_ms"] for segment in told["segments"]], "o-", color=_OURS, label="p99")
    latency.plot(minutes, [segment["p50_ms"] for segment in told["segments"]], "o:", color=_OURS, label="median")
    latency.set_ylim(0, None)
    latency.set_ylabel("ms to committed")
    latency.legend(frameon=False)
    _over_time(lag, told, "lag", "events not committed", _OURS)
    _over_time(memory, told, "rss_mb", "MB of memory", _OURS)
    _over_time(handles, told, "descriptors", "", _OURS, "file descriptors")
    _over_time(handles, told, "connections", "count", _OTHERS, "connections to the database")
    handles.legend(frameon=False)
    handles.set_xlabel(f"minutes at {told['rate']:,} events/s")
    return figure


def _overload(series: Series) -> Any:
    from matplotlib import pyplot

    told = series["overload"]
    figure, (lag, memory) = pyplot.subplots(2, 1, figsize=(8, 5), sharex=True, layout="constrained")
    _over_time(lag, told, "lag", "events not committed", _OURS)
    _over_time(memory, told, "rss_mb", "MB of memory", _OURS)
    for axes in (lag, memory):
        axes.axvline(told["sending_seconds"] / 60, color=_BOUND, linestyle="--")
    memory.set_xlabel(f"minutes; {told['sent_per_second']:,} events/s were sent up to the line")
    return figure


def _over_time(axes: Any, told: dict[str, Any], name: str, title: str, colour: str, label: str | None = None) -> None:
    samples = told["samples"]
    values = [sample[name] for sample in samples]
    top = axes.get_ylim()[1] if axes.lines else 1  # of what is drawn there already
    axes.plot([sample["seconds"] / 60 for sample in samples], values, color=colour, label=label)
    axes.set_ylim(0, max(top, max(values) * 1.15))
    axes.set_ylabel(title)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


_GROWTH: dict[str, Callable[[Any, list[dict[str, Any]]], None]] = {
    "lookup_us_by_rules": _rules,
    "compliance_ms_by_rows": _stored,
    "throughput_by_workers": _workers,
    "throughput_by_files_per_event": _files,
}


def _growth(series: Series) -> Any:
    from matplotlib import pyplot

    present = [key for key in _GROWTH if series.get(key)]
    height = (len(present) + 1) // 2
    figure, grid = pyplot.subplots(height, 2, figsize=(8.5, 3 * height), squeeze=False, layout="constrained")
    for axes, key in zip(grid.flat, present, strict=False):
        _GROWTH[key](axes, series[key])
    for axes in grid.flat[len(present) :]:
        axes.set_visible(False)
    return figure
