"""From settings to the numbers that the clock rules compare with."""

from streams.judges.clocks import Limits, ProtocolLimits
from streams.settings import Settings


def clock_limits(settings: Settings) -> Limits:
    """The limits of every protocol; NTP and Server share the one threshold unless they have their own."""
    shared = settings.drift_threshold_microseconds
    return Limits(
        {
            "NTP": ProtocolLimits(
                settings.drift_threshold_ntp_microseconds or shared,
                settings.drift_warning_ntp_microseconds,
                settings.clock_jitter_ntp_microseconds,
            ),
            "PTP": ProtocolLimits(
                settings.drift_threshold_ptp_microseconds,
                settings.drift_warning_ptp_microseconds,
                settings.clock_jitter_ptp_microseconds,
            ),
            "Browser": ProtocolLimits(
                settings.drift_threshold_browser_microseconds,
                settings.drift_warning_browser_microseconds,
                settings.clock_jitter_browser_microseconds,
            ),
            "Server": ProtocolLimits(
                settings.drift_threshold_server_microseconds or shared,
                settings.drift_warning_server_microseconds,
                settings.clock_jitter_server_microseconds,
            ),
        },
        clear_readings=settings.clock_clear_readings,
        clear_seconds=settings.clock_clear_seconds,
        silence_seconds=settings.clock_silence_seconds,
        silence_intervals=settings.clock_silence_intervals,
        predict_seconds=settings.clock_predict_seconds,
        holdover_seconds=settings.clock_holdover_seconds,
        wander_ppm=settings.clock_wander_ppm,
    )
