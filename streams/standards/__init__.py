"""The registry of standards: what a rule is, how all of them are held against a value at once, and what ships."""
