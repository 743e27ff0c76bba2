"""The demo: the product's main job on this machine's own files, clock and documents, from nothing to a report."""
