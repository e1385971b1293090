"""hardgate: a secure delivery pipeline for AWS, as one tool."""
