"""The local database for the length of one run, and the loopback service that a tool asks it through."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from hardgate.advisories.database import Database, NoDatabaseError
from hardgate.errors import StoreError
from hardgate.model import DataUse, Finding

if TYPE_CHECKING:
    from hardgate.advisories.serving import Service


class Local:
    """The local database for the length of one run: opened when first asked for, served when a tool needs it.

    A context manager; several threads may ask at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._database: Database | None = None
        self._service: Service | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Local:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._service is not None and self._thread is not None:
                self._service.shutdown()
                self._service.server_close()
                self._thread.join()
            if self._database is not None:
                self._database.close()
            self._service = self._thread = self._database = None

    def database(self) -> Database | None:
        """The database, None when there is none. Raises StoreError when it is damaged."""
        with self._lock:
            if self._database is None:
                try:
                    self._database = Database.open(self.folder)
                except NoDatabaseError:
                    return None
            return self._database

    def use(self) -> DataUse | None:
        """What goes on a receipt, None when there is no database. Raises StoreError when it is damaged."""
        database = self.database()
        return database.use if database else None

    def coverage(self) -> str:
        """What the database has of its source, "" when it has all or there is none. Raises StoreError."""
        database = self.database()
        return database.meta.coverage if database and database.meta.partial else ""

    def ecosystems(self) -> frozenset[str]:
        """The ecosystems that the database has. Raises StoreError when there is none, or it is damaged."""
        return frozenset((self.database() or Database.open(self.folder)).meta.ecosystems)

    def trivy(self, cache: Path, ecosystems: Collection[str]) -> Path:
        """Trivy's cache folder with the advisories of these ecosystems, below `cache`. Raises StoreError."""
        from hardgate.advisories.trivydb import folder_for  # noqa: PLC0415 (few runs make one)

        database = self.database() or Database.open(self.folder)
        with self._lock:
            return folder_for(database, cache, ecosystems)

    def judge(self, document: bytes) -> bytes:
        """What the database says of the packages of a CycloneDX SBOM, as `hardgate advisories lookup --json` prints it.

        Raises StoreError when there is no database, it is damaged, or the document is no SBOM.
        """
        from hardgate.advisories import lookup, sbom  # noqa: PLC0415 (a run from the cache judges nothing)

        database = self.database() or Database.open(self.folder)
        purls, nameless = sbom.read(document, "the SBOM")
        answer = lookup.look_up(database, purls, nameless)
        return msgspec.json.encode(lookup.document(answer, database.use))

    def rate(self, findings: Iterable[Finding], *, lower: bool) -> tuple[tuple[Finding, ...], int]:
        """The findings as the database rates them, and of how many it knows something: see rating.rate.

        Raises StoreError when there is no database, or it is damaged.
        """
        from hardgate.advisories.rating import rate  # noqa: PLC0415 (a run from the cache rates nothing)

        return rate(self.database() or Database.open(self.folder), findings, lower=lower)

    def address(self, port: int = 0, *, secret: bool = True) -> str:
        """The address at which it answers, from now to the end of the block, on a free port unless one is named.

        `secret`: below a random path, so that nothing else on this machine can be taken for it.
        Raises StoreError when there is no database, or the port cannot be had.
        """
        database = self.database()
        with self._lock:
            if self._service is None:
                self._service = self._started(database or Database.open(self.folder), port, secret=secret)
                self._thread = threading.Thread(target=self._service.serve_forever, args=(0.05,), daemon=True)
                self._thread.start()
            return self._service.address

    def _started(self, database: Database, port: int, *, secret: bool) -> Service:
        from hardgate.advisories.serving import Service  # noqa: PLC0415 (a run from the cache serves nothing)

        try:
            return Service(database, port, secrets.token_urlsafe(16) if secret else "")
        except OSError as error:
            hint = "Take another port, or leave --port out to get a free one."
            raise StoreError(f"the advisories could not be served: {error.strerror}", hint=hint) from error
