"""The generated contracts are current, are valid documents, and agree with the models."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from schemas import asyncapi, generate
from schemas.asyncapi import TOPICS, Topic

BY_TOPIC = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads((generate.GENERATED / "asyncapi.json").read_text())


def references(value: Any) -> Iterator[str]:
    """Every $ref of a document, but not a property that happens to be called so."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolve(document: dict[str, Any], reference: str) -> Any:
    assert reference.startswith("#/"), f"{reference} leaves the document"
    value: Any = document
    for part in reference[2:].split("/"):
        value = value[part.replace("~1", "/").replace("~0", "~")]
    return resolve(document, value["$ref"]) if isinstance(value, dict) and "$ref" in value else value


def test_generated_files_are_what_the_models_say():
    assert generate.first_difference() is None


def test_generation_is_the_same_in_another_process():
    """Another process hashes strings otherwise: nothing may depend on the order of a set."""
    program = "import json, schemas.generate; print(json.dumps(schemas.generate.contents()))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    assert json.loads(printed) == generate.contents()


def test_check_names_a_stale_a_missing_and_a_needless_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "GENERATED", tmp_path / "generated")
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0

    stale = generate.GENERATED / "verdicts.v1.schema.json"
    stale.write_text(stale.read_text() + "\n")
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "schemas/generated/verdicts.v1.schema.json differs from the models: run python -m schemas.generate"
    ]
    stale.unlink()
    assert generate.first_difference() == "verdicts.v1.schema.json"
    generate.main([])
    (generate.GENERATED / "verdicts.v0.schema.json").touch()
    assert generate.first_difference() == "verdicts.v0.schema.json"


@BY_TOPIC
def test_a_schema_is_valid_and_takes_the_example(topic: Topic):
    schema = json.loads((generate.GENERATED / f"{topic.name}.schema.json").read_text())
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)
    for reference in references(schema):
        resolve(schema, reference)
    Draft202012Validator(schema).validate(topic.example)


@BY_TOPIC
def test_an_example_is_what_the_model_reads_and_writes(topic: Topic):
    event = topic.model.model_validate_json(json.dumps(topic.example))
    if topic.mode == "serialization":
        assert event.model_dump(mode="json") == topic.example
    else:
        assert set(topic.example) == set(topic.model.__pydantic_fields__), "an example shows every field"


def test_references_of_asyncapi_resolve_inside_the_document(document):
    found = list(references(document))
    assert len(found) > 40
    for reference in found:
        resolve(document, reference)
    assert "$defs" not in json.dumps(document)


def test_asyncapi_has_every_topic_once_with_its_direction(document):
    assert document["asyncapi"] == "3.0.0"
    directions = {
        resolve(document, operation["channel"]["$ref"])["address"]: operation["action"]
        for operation in document["operations"].values()
    }
    assert directions == {
        "{prefix}filesystem-timestamps.v1": "receive",
        "{prefix}filesystem-timestamps.v1.dlq": "send",
        "{prefix}clock-sync.v1": "receive",
        "{prefix}clock-sync.v1.dlq": "send",
        "{prefix}submissions.v1": "receive",
        "{prefix}submissions.v1.dlq": "send",
        "{prefix}violations.v1": "send",
        "{prefix}drift-alerts.v1": "send",
        "{prefix}verdicts.v1": "send",
    }
    for channel in document["channels"].values():
        prefix = resolve(document, channel["parameters"]["prefix"]["$ref"])["default"]
        binding = channel["bindings"]["kafka"]
        assert channel["address"].replace("{prefix}", prefix) == binding["topic"]
        assert binding["partitions"] == asyncapi.DEFAULT_PARTITIONS


def test_messages_of_an_operation_are_messages_of_its_channel(document):
    for operation in document["operations"].values():
        for part in (operation, operation.get("reply", operation)):
            for message in part["messages"]:
                assert message["$ref"].startswith(part["channel"]["$ref"] + "/messages/")


def test_examples_of_asyncapi_validate_inside_the_document(document):
    """The payload schemas are read as AsyncAPI reads them: draft 7, with references into the document."""
    for name, message in document["components"]["messages"].items():
        assert message["examples"], name
        for example in message["examples"]:
            for part in ("headers", "payload"):
                schema = {**message[part], "components": document["components"]}
                Draft7Validator(schema).validate(example[part])


def test_payload_schemas_mean_the_same_in_draft_7(document):
    """AsyncAPI's default schema format knows no keyword that came after draft 7."""
    for schema in document["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
    text = json.dumps(document["components"]["schemas"])
    for keyword in (
        "prefixItems",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
        "$dynamicRef",
    ):
        assert keyword not in text


def test_dead_letter_headers_are_all_required_and_their_reasons_stable(document):
    schema = document["components"]["schemas"]["DeadLetterHeaders"]
    assert schema["required"] == [
        "__dlq.errors.topic",
        "__dlq.errors.partition",
        "__dlq.errors.offset",
        "__dlq.errors.group",
        "__dlq.errors.message",
        "dlq.reason",
        "dlq.stage",
        "dlq.failed_at",
    ]
    assert schema["properties"]["dlq.reason"]["enum"] == [
        "tombstone",
        "too_large",
        "invalid_encoding",
        "invalid_json",
        "invalid",
        "unreadable_batch",
        "refused_by_database",
        "internal_error",
    ]


def test_the_key_of_a_message_is_a_field_of_its_value(document):
    for topic in TOPICS:
        message = document["components"]["messages"][topic.model.__name__]
        assert f"`{topic.key_field}`" in message["bindings"]["kafka"]["key"]["description"]
        assert topic.key_field in topic.model.__pydantic_fields__


def test_a_producer_imports_the_schemas_without_the_stream_processor():
    program = (
        "import sys, schemas, schemas.generate\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'faust', 'aiokafka', 'aiomysql', 'pymysql', 'orjson', 're2', 'streams'}))"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    assert printed.strip() == "[]"
