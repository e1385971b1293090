"""hardgate: a secure delivery pipeline for AWS, as one tool."""

__version__ = "0.1.0"
