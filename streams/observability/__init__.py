"""What operators see: metrics, health and logs."""
