"""Downloads of the toolbox: bounded in size and time, over HTTP(S) only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from hardgate.errors import ToolError

_CHUNK = 1024 * 1024
_TEXT_LIMIT = 4 * _CHUNK
FILE_LIMIT = 500 * _CHUNK
_TIMEOUT = 15.0  # seconds for a connection, and for each read


class UnreachableError(ToolError):
    """An address did not answer, or has no such file: another channel may."""


def _open(address: str) -> IO[bytes]:
    if urlsplit(address).scheme not in {"http", "https"}:
        raise ToolError(f"{address} is no address to download from")
    request = Request(address, headers={"User-Agent": "hardgate"})  # noqa: S310 (scheme checked above)
    answer: IO[bytes] = urlopen(request, timeout=_TIMEOUT)  # noqa: S310
    return answer


def _unreachable(address: str, error: Exception) -> UnreachableError:
    if isinstance(error, HTTPError):
        return UnreachableError(f"{address} answered {error.code} {error.reason}")
    reason = error.reason if isinstance(error, URLError) else error
    return UnreachableError(f"{urlsplit(address).hostname} cannot be reached from here ({reason})")


def download(address: str, target: Path, report: Callable[[int, int], None]) -> str:
    """Write what is at `address` to `target`; returns its SHA-256. `report` is told bytes done and bytes in all (or 0).

    Raises UnreachableError when there is nothing to be had, ToolError for more than FILE_LIMIT bytes.
    """
    seal = hashlib.sha256()
    done = 0
    try:
        with _open(address) as answer, target.open("wb") as out:
            total = int(getattr(answer, "headers", {}).get("Content-Length") or 0)
            while chunk := answer.read(_CHUNK):
                done += len(chunk)
                if done > FILE_LIMIT:
                    raise ToolError(f"{address} is larger than {FILE_LIMIT} bytes")
                seal.update(chunk)
                out.write(chunk)
                report(done, total)
    except (HTTPException, URLError, TimeoutError, ConnectionError, ValueError) as error:
        raise _unreachable(address, error) from error
    if total and done < total:
        raise UnreachableError(f"{address} ended after {done} of {total} bytes")
    return seal.hexdigest()


def text(address: str) -> tuple[str, str]:
    """What is at `address` as text, and the ISO date of its `Last-Modified` header (RFC 9110, 8.8.2), or "".

    Raises UnreachableError when there is nothing to be had.
    """
    try:
        with _open(address) as answer:
            raw = answer.read(_TEXT_LIMIT + 1)
            modified = getattr(answer, "headers", {}).get("Last-Modified") or ""
    except (HTTPException, URLError, TimeoutError, ConnectionError, ValueError) as error:
        raise _unreachable(address, error) from error
    if len(raw) > _TEXT_LIMIT:
        raise ToolError(f"{address} is larger than {_TEXT_LIMIT} bytes")
    return raw.decode(errors="replace"), parsedate_to_datetime(modified).isoformat() if modified else ""
