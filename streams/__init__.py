"""cockpit-streams: the metadata-governance stream processor of DevGuide Cockpit."""

__version__ = "0.1.0"
