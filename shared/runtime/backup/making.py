"""Taking a backup while the platform runs: first the databases, then the files, which rows name only once they lie there."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import asyncpg

from shared.catalog.registry import Catalog, load
from shared.clock import SystemClock
from shared.config import Settings
from shared.db.postgres import EmbeddedPostgres
from shared.db.postgres.address import PostgresAddress
from shared.runtime.backup import databases, keys
from shared.runtime.backup.manifest import DatabaseKept, Manifest, hashes_of, paths_in
from shared.runtime.databases import home_of, require_known

Notice = Callable[[str], object]
HOME = "home"


async def make(settings: Settings, folder: Path, key_folder: Path, passphrase: str | None, notice: Notice) -> Manifest:
    """A whole backup in `folder`, its keys in `key_folder`; both must be new or empty.

    Each database is one snapshot. On the embedded bus there is one, so that state, log and positions agree.
    """
    catalog = load(settings.catalog_folders)
    installation = keys.installation_of(settings.key_folder)
    _make_room(folder, key_folder)
    kept = {}
    async with places(settings, catalog, notice) as found:
        for name, (dsn, services) in found.items():
            notice(f"{name}: {', '.join(services)}")
            kept[name] = await _dump(dsn, services, folder, name)
    files = await asyncio.to_thread(_copy_files, files_of(settings), folder / "files")
    await asyncio.to_thread(keys.save, settings.key_folder, key_folder, passphrase)
    manifest = Manifest(
        made_at=SystemClock().now(),
        release=version("onewindow"),
        installation=installation,
        bus="embedded" if settings.bus == "embedded" else "kafka",
        address=settings.bus,
        databases=kept,
        files=files,
        keys=keys.names(settings.key_folder),
        hashes=await asyncio.to_thread(hashes_of, folder),
    )
    manifest.write(folder)
    return manifest


def _make_room(folder: Path, key_folder: Path) -> None:
    for place in (folder, key_folder):
        if place.exists() and any(place.iterdir()):
            raise databases.not_empty(str(place))
    (folder / "databases").mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


@asynccontextmanager
async def places(
    settings: Settings, catalog: Catalog, notice: Notice, *, new: bool = False
) -> AsyncIterator[dict[str, tuple[str, list[str]]]]:
    """The databases by name, each with its address and whose state lies there; our own server is started if it does
    not run, and stopped again. `new`: it may be one that is not there yet."""
    require_known(settings, catalog.services)
    names = sorted(catalog.services)
    home = home_of(settings, names)
    if home is not None:
        yield _by_name(settings, home, names)
        return
    running = None if new else await _running(settings)
    if running is not None:
        yield _by_name(settings, running, names)
        return
    postgres = EmbeddedPostgres(settings.data, notice=notice)  # type: ignore[arg-type]
    try:
        yield _by_name(settings, await asyncio.to_thread(postgres.start), names)
    finally:
        await asyncio.to_thread(postgres.stop)


def files_of(settings: Settings) -> Path:
    """Where uploaded files lie."""
    return settings.files or settings.data / "files"


def _by_name(settings: Settings, home: str, names: list[str]) -> dict[str, tuple[str, list[str]]]:
    found: dict[str, tuple[str, list[str]]] = {}
    for dsn in dict.fromkeys((home, *(settings.database_urls.get(n, home) for n in names))):
        living = [n for n in names if settings.database_urls.get(n, home) == dsn]
        found[HOME if dsn == home else living[0]] = (dsn, living)
    return found


async def _running(settings: Settings) -> str | None:
    """The address of our own server if it runs: a backup is taken beside a platform at work."""
    address = PostgresAddress.load(settings.data / "postgres.secret")
    if address is None:
        return None
    try:
        conn = await asyncpg.connect(address.dsn, timeout=5)
    except (OSError, asyncpg.PostgresError):
        return None
    await conn.close()
    return address.dsn


async def _dump(dsn: str, services: list[str], folder: Path, name: str) -> DatabaseKept:
    file = f"databases/{name}.dump"
    await asyncio.to_thread(databases.dump, dsn, folder / file)
    return DatabaseKept(
        file=file,
        server=await databases.server_version(dsn),
        revisions=await databases.revisions(dsn, services),
    )


def _copy_files(source: Path, target: Path) -> int:
    """What is being uploaded at this moment no row names: it may be missing, or here and never asked for."""
    if not source.is_dir():
        return 0
    shutil.copytree(source, target, ignore_dangling_symlinks=True)
    return sum(1 for _ in paths_in(target))
