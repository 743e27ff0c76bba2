"""What a broker's authorizer says a principal may do, asked as that principal: Metadata 8 and DescribeGroups 3."""

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, for_code
from aiokafka.protocol.admin import DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

_TEXT = String("utf-8")
# The numbers that Kafka's protocol has for the operations.
OPERATIONS = {
    3: "Read",
    4: "Write",
    5: "Create",
    6: "Delete",
    7: "Alter",
    8: "Describe",
    9: "ClusterAction",
    10: "DescribeConfigs",
    11: "AlterConfigs",
    12: "IdempotentWrite",
}


class _MetadataResponse(Response):
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("authorized_operations", Int32),
    )


class _MetadataRequestStruct(RequestStruct):
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", Array(_TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _MetadataRequest(Request[_MetadataRequestStruct]):
    API_KEY = 3

    def build(self, request_struct_class: type[_MetadataRequestStruct]) -> _MetadataRequestStruct:
        return request_struct_class(None, False, True, True)


class _DescribeGroupsRequestStruct(RequestStruct):
    # The client's own takes the answer for one of version 2, which has no operations.
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = DescribeGroupsResponse_v3
    SCHEMA = Schema(("groups", Array(_TEXT)), ("include_authorized_operations", Boolean))


class _DescribeGroupsRequest(Request[_DescribeGroupsRequestStruct]):
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_DescribeGroupsRequestStruct]) -> _DescribeGroupsRequestStruct:
        return request_struct_class([self._group], True)


async def on_topics(client: AIOKafkaAdminClient) -> tuple[dict[str, set[str]], set[str]]:
    """The operations on every topic that the principal may see, and those on the cluster."""
    answer: Any = await client._send_request(_MetadataRequest())
    found = answer.to_object()
    topics = {topic["topic"]: _named(topic["authorized_operations"]) for topic in found["topics"]}
    return topics, _named(found["authorized_operations"])


async def on_group(client: AIOKafkaAdminClient, group: str) -> set[str]:
    """The operations on one group; none where it may not even be described."""
    answer: Any = await client._send_request(_DescribeGroupsRequest(group))
    (error_code, *_, bits) = answer.groups[0]
    if error_code:
        assert for_code(error_code) is GroupAuthorizationFailedError
        return set()
    return _named(bits)


def _named(bits: int) -> set[str]:
    # A field that was not asked for, or may not be told, is the least of its numbers.
    return {name for number, name in OPERATIONS.items() if bits >= 0 and bits >> number & 1}
