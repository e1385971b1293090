"""Asks the API for one planet, as the monitoring service does: `python tools/monitor.py [ADDRESS]`."""

import sys

import requests

MONITOR_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJmcmVzaCI6ZmFsc2UsImlhdCI6MTczNTY4OTYwMCwianRpIjoiNjg2NmQ5MWYtYmViNi00MmY3LTg1OGYtN2NiZTcwYWFhZGE1IiwidHlwZSI6ImFjY2VzcyIsInN1YiI6Im1vbml0b3JAcGxhbmV0YXJ5LWFwaS5leGFtcGxlIiwibmJmIjoxNzM1Njg5NjAwfQ.uqCrGbKHdua2VgLCy-yQOw4njn76QH-npNdUph0F-gY"


def check(address: str) -> bool:
    """Say whether the API answers a request that needs a token."""
    headers = {"Authorization": f"Bearer {MONITOR_TOKEN}"}
    return requests.get(f"{address}/get_planet/Earth", headers=headers, timeout=10).ok


if __name__ == "__main__":
    sys.exit(0 if check(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000") else 1)
