"""In production nothing is sent in plain text that was not asked for by name; and no bad value gives a secret away."""

import pytest

from streams.errors import UserError
from streams.settings import load_settings

SAFE = {
    "environment": "production",
    "kafka_security": "SASL_SSL",
    "database_url": "mysql://u:canary@db.example:4000/devguide_cockpit?tls=true",
}


def test_what_is_encrypted_is_taken() -> None:
    assert load_settings(**SAFE).environment == "production"
    assert load_settings(**{**SAFE, "kafka_security": "SSL"}).environment == "production"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kafka_security": "PLAINTEXT"}, r"^COCKPIT_KAFKA_SECURITY: is PLAINTEXT.*COCKPIT_ALLOW_PLAINTEXT=kafka"),
        ({"kafka_security": "SASL_PLAINTEXT"}, r"^COCKPIT_KAFKA_SECURITY: is SASL_PLAINTEXT"),
        ({"database_url": "mysql://u:canary@db.example/d"}, r"^COCKPIT_DATABASE_URL: has no tls=true.*=database"),
        ({"database_url": "mysql://u:canary@db.example/d?tls=false"}, r"^COCKPIT_DATABASE_URL: has no tls=true"),
        ({"kafka_security": "PLAINTEXT", "allow_plaintext": "database"}, r"^COCKPIT_KAFKA_SECURITY"),
        ({"database_url": "mysql://u:canary@db.example/d", "allow_plaintext": "kafka"}, r"^COCKPIT_DATABASE_URL"),
        ({"allow_plaintext": "kafka,everything"}, r"^COCKPIT_ALLOW_PLAINTEXT: 'everything' is no connection"),
        ({"environment": "prod"}, r"^COCKPIT_ENVIRONMENT: "),
    ],
)
def test_plain_text_is_refused_and_the_setting_named(change: dict[str, str], expected: str) -> None:
    with pytest.raises(UserError, match=expected) as refused:
        load_settings(**{**SAFE, **change})
    assert "canary" not in str(refused.value)


def test_plain_text_is_possible_by_name() -> None:
    plain = {"kafka_security": "PLAINTEXT", "database_url": "mysql://u@db.example/d"}
    assert load_settings(**{**SAFE, **plain, "allow_plaintext": "kafka, database"}).allow_plaintext
    assert load_settings(**plain).environment == "development"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:canary/x@db.example:4000/d",
        "mysql://u:canary#x@db.example:4000/d",
        "mysql://u:canary?x=y@db.example:4000/d",
        "mysql://u:[canary@db.example:4000/d",
        "mysql://u:canary@db.example:canary/d",
        "mysql://u:canary@db.example:99999/d",
        "mysql://u:canary\N{EURO SIGN}@db.example:4000/d",
        "postgres://u:canary@db.example/d",
        "mysql://u:canary@db.example/d?canary=1&tls=true",
        "mysql://u:canary@db.example/d?tls=canary",
        "canary",
    ],
)
def test_a_bad_url_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(UserError, match=r"^COCKPIT_DATABASE_URL: ") as refused:
        load_settings(database_url=url)
    assert "canary" not in str(refused.value).replace("the unknown option 'canary'", "")
    assert "\n" not in str(refused.value)


def test_settings_do_not_show_their_secrets() -> None:
    settings = load_settings(**SAFE, kafka_sasl_password="canary")
    assert "canary" not in f"{settings!r} {settings} {settings.database!r} {settings.model_dump()}"
