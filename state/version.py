"""The version of the package; it is part of every run's fingerprint."""

VERSION = "0.1.0"
