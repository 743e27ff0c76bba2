"""The local stack: a real Kafka and a real MariaDB as plain processes, without Docker and without root."""
