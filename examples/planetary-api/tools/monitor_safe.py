"""The safe twin of `monitor.py`: logs in with MONITOR_EMAIL and MONITOR_PASSWORD from the environment."""

import os
import sys

import requests


def check(address: str) -> bool:
    """Say whether the API answers a request that needs a token.

    Raises:
        KeyError: MONITOR_EMAIL or MONITOR_PASSWORD is not set.
    """
    credentials = {"email": os.environ["MONITOR_EMAIL"], "password": os.environ["MONITOR_PASSWORD"]}
    login = requests.post(f"{address}/safe/login", json=credentials, timeout=10)
    if not login.ok:
        return False
    headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
    return requests.get(f"{address}/safe/get_planet/Earth", headers=headers, timeout=10).ok


if __name__ == "__main__":
    sys.exit(0 if check(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000") else 1)
