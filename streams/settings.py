"""The only reader of the environment: every setting, its default, and what is wrong with a bad value.

Order of precedence: `COCKPIT_X_FILE` (a path to a file that holds the value, for secrets), `COCKPIT_X`, the
file `.local/stack.env` that `cockpit up` writes, the default. Defaults fit the local stack.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.crash_points import POINTS
from streams.errors import UserError

PREFIX = "COCKPIT_"
STACK_ENV = Path(".local") / "stack.env"
_FILE_SETTINGS = ("DATABASE_URL", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD")
_PLAINTEXT = ("kafka", "database")
"""The connections that COCKPIT_ALLOW_PLAINTEXT can name."""

PositiveSeconds = Annotated[float, Field(gt=0, le=3600)]


class DatabaseAddress:
    """The parts of `mysql://user:password@host:4000/database?tls=true&ca=/path.pem`."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # whose text may hold a part of the password
            raise ValueError(
                "has no readable host and port; in a password / is %2F, ? is %3F, # is %23, [ is %5B"
            ) from None
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if parts.scheme not in ("mysql", "tidb") or not parts.hostname or len(parts.path) < 2:
            raise ValueError("must look like mysql://user:password@host:4000/devguide_cockpit")
        if unknown := set(query) - {"tls", "ca"}:
            raise ValueError(f"has the unknown option {sorted(unknown)[0]!r}; known are tls=true|false, ca=PATH")
        if query.get("tls", "false") not in ("true", "false"):
            raise ValueError("has tls=…, which must be true or false")
        self.host = parts.hostname
        self.port = port or 4000
        self.user = unquote(parts.username or "root")
        self.password = unquote(parts.password or "")
        if not self.password.isascii():
            raise ValueError("has a password of other letters than ASCII, which no two drivers send alike")
        self.database = unquote(parts.path[1:])
        self.tls = query.get("tls") == "true"
        self.ca = query.get("ca")

    def __repr__(self) -> str:
        return f"mysql://{self.user}:***@{self.host}:{self.port}/{self.database}"


class Settings(BaseSettings):
    """Everything that can be set, by the name after `COCKPIT_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=STACK_ENV, extra="ignore", frozen=True)

    environment: Literal["development", "production"] = Field(
        "development", description="In production no connection is made in plain text, unless it is named below."
    )
    allow_plaintext: str = Field(
        "", description="Connections that may be plain text in production all the same: kafka, database, or both."
    )

    # --- Kafka
    kafka_bootstrap: str = Field("127.0.0.1:9092", description="Brokers, host:port, comma-separated.")
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Security protocol towards the brokers."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism, where the security protocol has SASL."
    )
    kafka_sasl_username: str = Field("", description="SASL user name; also as COCKPIT_KAFKA_SASL_USERNAME_FILE.")
    kafka_sasl_password: SecretStr = Field(
        SecretStr(""), description="SASL password; better as COCKPIT_KAFKA_SASL_PASSWORD_FILE."
    )
    kafka_tls_ca: Path | None = Field(None, description="CA of the brokers (PEM); default: the system's.")
    kafka_tls_certificate: Path | None = Field(None, description="Client certificate (PEM), for mutual TLS.")
    kafka_tls_key: Path | None = Field(None, description="Client key (PEM), for mutual TLS.")
    kafka_group: str = Field("cockpit-streams", min_length=1, description="Consumer group of the workers.")
    kafka_session_timeout_seconds: PositiveSeconds = Field(
        10, ge=6, description="A killed worker's partitions move after this."
    )
    topic_prefix: str = Field(
        "governance.", pattern=r"^[a-zA-Z0-9._-]*$", description="Stands in front of every topic's name."
    )
    topic_partitions: int = Field(4, ge=1, le=1000, description="Partitions of topics that we create.")
    topic_max_message_bytes: int = Field(
        1_048_588,
        ge=65_536,
        le=100_000_000,
        description="Largest record batch, as compressed, that input topics which we create take.",
    )
    topic_replication: int = Field(1, ge=1, le=10, description="Replicas of topics that we create.")

    # --- database
    database_url: SecretStr = Field(
        SecretStr("mysql://root@127.0.0.1:4000/devguide_cockpit"),
        description="mysql://user:password@host:4000/database?tls=true&ca=/path.pem;"
        " better as COCKPIT_DATABASE_URL_FILE.",
    )
    database_connections: int = Field(4, ge=2, le=100, description="Size of a worker's connection pool.")
    database_statement_timeout_seconds: PositiveSeconds = Field(
        30, description="A statement that takes longer counts as a lost connection."
    )

    # --- worker
    metrics_host: str = Field("0.0.0.0", description="Address of /metrics, /livez and /readyz.")  # noqa: S104
    metrics_port: int = Field(9108, ge=0, le=65535, description="Port of the same; 0 takes a free one.")
    poll_records: int = Field(2000, ge=1, le=50_000, description="Records fetched from Kafka in one poll.")
    fetch_partition_bytes: int = Field(
        1_048_576, ge=65_536, le=100_000_000, description="Bytes fetched of one partition at once, at the most."
    )
    fetch_linger_milliseconds: int = Field(
        5,
        ge=0,
        le=1000,
        description="While records flow: how long a fetch may gather more of them, at the least; it gathers for "
        "longer while batches take longer, up to eight times this. 0: never, which costs more CPU.",
    )
    transaction_records: int = Field(2000, ge=1, le=50_000, description="Records in one transaction, at the most.")
    queued_groups: int = Field(1, ge=1, le=100, description="Judged groups that may wait for the writer.")
    commit_interval_seconds: PositiveSeconds = Field(1, description="How often offsets are committed.")
    drain_seconds: PositiveSeconds = Field(
        20, description="How long a stop or a revocation waits for running batches before it abandons them."
    )
    stall_seconds: PositiveSeconds = Field(
        120,
        description="/livez fails when a batch has made no progress for so long while the database answers.",
    )
    max_record_bytes: int = Field(524_288, ge=1024, le=10_000_000, description="Larger records are dead-lettered.")
    max_batch_bytes: int = Field(
        8_388_608,
        ge=65_536,
        le=1_000_000_000,
        description="A compressed batch that unpacks to more is dead-lettered as a whole.",
    )
    internal_error_limit: int = Field(
        100, ge=1, description="Consecutive records failing with a bug of ours after which the worker stops."
    )
    file_state_cache: int = Field(100_000, ge=0, description="Paths whose last record is kept in memory.")
    file_known_paths: int = Field(
        10_000_000,
        ge=0,
        le=100_000_000,
        description="While the database has no more paths than this, new ones are told by a filter in memory (13 bits "
        "a path) and not looked up. 0: all are, for hosts whose records several producers send to several partitions.",
    )
    file_history: bool = Field(
        True, description="Hold each file against the previous record of its path, and its host's clock; 0: neither."
    )
    standards_poll_seconds: PositiveSeconds = Field(1, description="How often metadata_standards is read for changes.")
    standard_most_milliseconds: float = Field(
        100,
        gt=0,
        le=60_000,
        description="A set with a standard that takes longer for 4,096 characters is refused; lint asks for 20.",
    )
    incident_reopen_seconds: int = Field(
        604_800,
        ge=0,
        description="A violation reopens an incident resolved so long ago; later it begins an episode.",
    )
    incident_keeper_seconds: PositiveSeconds = Field(
        5, description="How often incidents are looked at: what has passed is resolved, waivers begin and end."
    )
    incident_hold_categories: str = Field(
        "", description="Categories whose incidents no passing record resolves, comma-separated: timestomping."
    )
    probe_seconds: PositiveSeconds = Field(
        60, description="How often a worker times the compliance and clock status queries."
    )
    tiflash_probe_seconds: float = Field(
        0, ge=0, le=3600, description="How often a worker measures how far TiFlash is behind; 0: never."
    )
    crash_point: str = Field(
        "",
        pattern=rf"^(?:(?:{'|'.join(POINTS)})(?::\d+)?)?$",
        description="For tests of faults: die there, at once or after so many passes (`after_commit:3`).",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    # --- judgement
    drift_threshold_microseconds: int = Field(10_000, ge=1, description="|offset| above which a clock is drifting.")
    drift_threshold_ntp_microseconds: int = Field(0, ge=0, description="The same for NTP alone; 0: as above.")
    drift_threshold_server_microseconds: int = Field(0, ge=0, description="The same for Server alone; 0: as above.")
    drift_threshold_ptp_microseconds: int = Field(10_000, ge=1, description="The same for PTP.")
    drift_threshold_browser_microseconds: int = Field(
        100_000, ge=1, description="The same for Browser, less half the round trip."
    )
    drift_warning_ntp_microseconds: int = Field(0, ge=0, description="Offset of NTP worth a warning; 0: none.")
    drift_warning_server_microseconds: int = Field(1_000, ge=0, description="The same for Server.")
    drift_warning_ptp_microseconds: int = Field(1, ge=0, description="The same for PTP.")
    drift_warning_browser_microseconds: int = Field(0, ge=0, description="The same for Browser.")
    clock_jitter_ntp_microseconds: int = Field(1_000, ge=0, description="Scatter of 8 offsets that is jitter; 0: none.")
    clock_jitter_server_microseconds: int = Field(1_000, ge=0, description="The same for Server.")
    clock_jitter_ptp_microseconds: int = Field(1, ge=0, description="The same for PTP.")
    clock_jitter_browser_microseconds: int = Field(10_000, ge=0, description="The same for Browser.")
    clock_clear_readings: int = Field(3, ge=1, le=1000, description="Clear readings in a row that end an alert ...")
    clock_clear_seconds: float = Field(60, ge=0, le=86_400, description="... if they span so long.")
    clock_silence_seconds: PositiveSeconds = Field(60, description="A clock is silent at the earliest after this ...")
    clock_silence_intervals: float = Field(
        3, ge=1, le=1000, description="... and after so many of its usual intervals."
    )
    clock_predict_seconds: float = Field(
        3600, ge=0, le=604_800, description="How far ahead a crossing of the threshold is foretold."
    )
    clock_holdover_seconds: PositiveSeconds = Field(
        24, description="A silent PTP clock holds over for so long, then runs free."
    )
    clock_wander_ppm: float = Field(15, ge=0, le=500, description="How fast a clock that nobody corrects may run away.")
    clock_timer_seconds: PositiveSeconds = Field(5, description="How often silence and peers are looked at.")

    @field_validator("database_url")
    @classmethod
    def _database_url_has_all_parts(cls, value: SecretStr) -> SecretStr:
        DatabaseAddress(value.get_secret_value())
        return value

    @field_validator("kafka_bootstrap")
    @classmethod
    def _bootstrap_is_host_and_port(cls, value: str) -> str:
        for broker in value.split(","):
            host, _, port = broker.strip().rpartition(":")
            if not host or not port.isdigit():
                raise ValueError("must be host:port, comma-separated")
        return value

    @field_validator("allow_plaintext")
    @classmethod
    def _only_connections_are_named(cls, value: str) -> str:
        if unknown := set(_names(value)) - set(_PLAINTEXT):
            raise ValueError(f"{sorted(unknown)[0]!a} is no connection of ours: name {' or '.join(_PLAINTEXT)}")
        return value

    @model_validator(mode="after")
    def _production_is_encrypted(self) -> Self:
        allowed = _names(self.allow_plaintext)
        if self.environment == "production":
            if not self.kafka_security.endswith("SSL") and "kafka" not in allowed:
                raise UserError(
                    f"{PREFIX}KAFKA_SECURITY: is {self.kafka_security}, and production sends nothing in plain text:"
                    f" set SASL_SSL or SSL, or ask for it by name: {PREFIX}ALLOW_PLAINTEXT=kafka"
                )
            if not self.database.tls and "database" not in allowed:
                raise UserError(
                    f"{PREFIX}DATABASE_URL: has no tls=true, and production sends nothing in plain text:"
                    f" add ?tls=true, or ask for it by name: {PREFIX}ALLOW_PLAINTEXT=database"
                )
        return self

    @cached_property
    def database(self) -> DatabaseAddress:
        """The database's address, parsed."""
        return DatabaseAddress(self.database_url.get_secret_value())

    def topic(self, name: str) -> str:
        """The full name of one of our topics."""
        return self.topic_prefix + name


def _names(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def load_settings(**overrides: object) -> Settings:
    """Read the settings; a bad value raises a UserError of one line that names it, without its secret."""
    from_files: dict[str, object] = {}
    for name in _FILE_SETTINGS:
        if path := os.environ.get(f"{PREFIX}{name}_FILE"):
            try:
                from_files[name.lower()] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise UserError(f"{PREFIX}{name}_FILE: cannot read {path!r}: {error.__class__.__name__}") from None
    try:
        return Settings(**{**from_files, **overrides})  # type: ignore[arg-type]
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
        raise UserError(f"{name}: {problem['msg'].removeprefix('Value error, ')}") from None
