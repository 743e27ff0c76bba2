"""Everything that touches Kafka, and the only place that uses private names of Faust (see README.md here)."""
