"""One AsyncAPI 3.0 document of all topics, from the models and the examples."""

import inspect
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from schemas import examples
from schemas.event import Event
from schemas.events import ClockReading, FilesystemTimestamps, Submission
from schemas.findings import DriftAlert, Violation
from schemas.verdicts import Verdict

DEFAULT_PREFIX = "governance."
DEFAULT_PARTITIONS = 4
DEAD_LETTER_SUFFIX = ".dlq"
DEAD_LETTER_REASONS = (
    "tombstone",
    "too_large",
    "invalid_encoding",
    "invalid_json",
    "invalid",
    "unreadable_batch",
    "refused_by_database",
    "internal_error",
)
"""What `dlq.reason` says: stable codes, the ones for the whole record first."""

_BINDING_VERSION = "0.5.0"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its name without the prefix, its messages' model, and which field of them is the key.

    `mode` is pydantic's: what others send is described as it is validated, what we send as it is serialised.
    """

    name: str
    channel: str
    model: type[Event] | type[BaseModel]
    key_field: str
    mode: Literal["validation", "serialization"]
    example: dict[str, Any]


TOPICS = (
    Topic(
        "filesystem-timestamps.v1",
        "filesystemTimestamps",
        FilesystemTimestamps,
        "host",
        "validation",
        examples.FILESYSTEM_TIMESTAMPS,
    ),
    Topic("clock-sync.v1", "clockSync", ClockReading, "component_name", "validation", examples.CLOCK_READING),
    Topic("submissions.v1", "submissions", Submission, "submission_id", "validation", examples.SUBMISSION),
    Topic("violations.v1", "violations", Violation, "subject", "serialization", examples.VIOLATION),
    Topic("drift-alerts.v1", "driftAlerts", DriftAlert, "component_name", "serialization", examples.DRIFT_ALERT),
    Topic("verdicts.v1", "verdicts", Verdict, "submission_id", "serialization", examples.VERDICT),
)


def document() -> dict[str, Any]:
    """The whole document. Operations are this application's: it receives the inputs and sends the rest."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for topic in TOPICS:
        name = topic.model.__name__
        messages[name] = _message(topic)
        channels[topic.channel] = _channel(topic.name, name, (inspect.getdoc(topic.model) or "").partition("\n")[0])
        action = "receive" if topic.mode == "validation" else "send"
        operations[f"{action}{name}"] = _operation(action, topic.channel, name)
        if topic.mode == "validation":
            dead = f"{name}DeadLetter"
            messages[dead] = _dead_letter(topic)
            channels[f"{topic.channel}DeadLetters"] = _channel(
                topic.name + DEAD_LETTER_SUFFIX,
                dead,
                f"What was taken from `{topic.name}` and could not be stored.",
            )
            operations[f"send{dead}"] = _operation("send", f"{topic.channel}DeadLetters", dead)
    operations["receiveSubmission"]["reply"] = {
        "channel": {"$ref": "#/channels/verdicts"},
        "messages": [{"$ref": "#/channels/verdicts/messages/Verdict"}],
    }
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": {"default": _server()},
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": _schemas(),
            "parameters": {
                "prefix": {
                    "default": DEFAULT_PREFIX,
                    "description": "COCKPIT_TOPIC_PREFIX of the deployment.",
                }
            },
        },
    }


def _info() -> dict[str, Any]:
    return {
        "title": "DevGuide Cockpit: metadata governance",
        "version": "1.0.0",
        "description": (
            "Producers publish MAC times of files, readings of clocks and submissions of documents; the "
            "agents judge and record them, and publish violations, drift alerts, verdicts and dead letters. "
            f"Every channel's address begins with the parameter `prefix`, `{DEFAULT_PREFIX}` unless "
            "COCKPIT_TOPIC_PREFIX says otherwise; the Kafka bindings carry the names and partitions of a "
            "deployment that keeps the defaults. Unknown fields are ignored and new fields are optional; "
            "a breaking change is a new `.v2` topic. Delivery is at least once: the same event may be "
            "announced again, with the same ids."
        ),
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The Kafka cluster; with TLS or SASL as COCKPIT_KAFKA_SECURITY says.",
        "variables": {
            "bootstrap": {
                "default": "127.0.0.1:9092",
                "description": "COCKPIT_KAFKA_BOOTSTRAP: host:port of a broker.",
            }
        },
    }


def _channel(name: str, message: str, description: str) -> dict[str, Any]:
    return {
        "address": "{prefix}" + name,
        "parameters": {"prefix": {"$ref": "#/components/parameters/prefix"}},
        "description": description,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {
            "kafka": {
                "topic": DEFAULT_PREFIX + name,
                "partitions": DEFAULT_PARTITIONS,
                "bindingVersion": _BINDING_VERSION,
            }
        },
    }


def _operation(action: str, channel: str, message: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _message(topic: Topic) -> dict[str, Any]:
    name = topic.model.__name__
    key = {"type": "string", "description": f"UTF-8; the same as the value's `{topic.key_field}`."}
    message: dict[str, Any] = {
        "name": name,
        "title": topic.name,
        "description": inspect.getdoc(topic.model),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/TraceHeaders"},
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": {"key": key, "bindingVersion": _BINDING_VERSION}},
        "examples": [{"name": "valid", "headers": examples.TRACE_HEADERS, "payload": topic.example}],
    }
    if topic.key_field == "submission_id":
        message["correlationId"] = {
            "description": "A verdict echoes the submission's id.",
            "location": "$message.payload#/submission_id",
        }
    return message


def _dead_letter(topic: Topic) -> dict[str, Any]:
    return {
        "name": f"{topic.model.__name__}DeadLetter",
        "title": topic.name + DEAD_LETTER_SUFFIX,
        "description": "Key, value and headers byte for byte as received, and headers that say why.",
        "contentType": "application/octet-stream",
        "headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
        "payload": {"$ref": "#/components/schemas/DeadLetterValue"},
        "bindings": {
            "kafka": {
                "key": {"description": "The key as received: any bytes, or null."},
                "bindingVersion": _BINDING_VERSION,
            }
        },
        "examples": [{"name": "brokenJson", **examples.dead_letter(DEFAULT_PREFIX + topic.name)}],
    }


def _schemas() -> dict[str, Any]:
    _, generated = models_json_schema(
        [(cast(Any, topic.model), topic.mode) for topic in TOPICS], ref_template="#/components/schemas/{model}"
    )
    return {
        **generated["$defs"],
        "TraceHeaders": {
            "type": "object",
            "description": "Other headers are allowed.",
            "properties": {"traceparent": _TRACEPARENT},
        },
        "DeadLetterHeaders": _dead_letter_headers(),
        "DeadLetterValue": {"description": "The value as received: any bytes, or null; the examples show it as text."},
    }


_TRACEPARENT = {
    "type": "string",
    "description": "W3C trace context; carried from an event to all that it causes.",
}


def _dead_letter_headers() -> dict[str, Any]:
    decimal = {"type": "string", "pattern": "^[0-9]+$"}
    own: dict[str, dict[str, Any]] = {
        "__dlq.errors.topic": {
            "type": "string",
            "description": "The topic it was taken from, with its prefix.",
        },
        "__dlq.errors.partition": {**decimal, "description": "Its partition there."},
        "__dlq.errors.offset": {**decimal, "description": "Its offset there."},
        "__dlq.errors.group": {"type": "string", "description": "The consumer group that gave it up."},
        "__dlq.errors.message": {
            "type": "string",
            "description": "One line: the field, the value, what is wrong.",
        },
        "dlq.reason": {"type": "string", "enum": list(DEAD_LETTER_REASONS), "description": "Stable code."},
        "dlq.stage": {"type": "string", "description": "The step that gave it up, such as `decode`."},
        "dlq.failed_at": {"type": "string", "format": "date-time"},
    }
    return {
        "type": "object",
        "description": "UTF-8 text each, after the headers as received.",
        "properties": {**own, "traceparent": _TRACEPARENT},
        "required": list(own),
    }
