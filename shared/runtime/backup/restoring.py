"""Putting a backup back, into nothing: everything is checked before the first row, and nothing is ever overwritten."""

from __future__ import annotations

import asyncio
import importlib
import shutil
import tempfile
from pathlib import Path

from shared.catalog.registry import Catalog, load
from shared.config import Settings
from shared.errors import Conflict
from shared.release import Release, this_release
from shared.runtime.backup import databases, keys
from shared.runtime.backup.bus import bring_over, move_in, require_place
from shared.runtime.backup.making import Notice, files_of, places
from shared.runtime.backup.manifest import Manifest, damaged
from shared.runtime.buses import EMBEDDED
from shared.spec import ServiceSpec

Found = dict[str, tuple[str, list[str]]]
"""Each database of the settings: its address, and the services that live there."""

GONE = (
    "没有带入总线上的事件:备份时在途的已失去,受影响的办件会因缺口停放,或显示为停滞"
    " / nothing was brought over from the bus: what was on its way is lost, cases concerned will be parked or shown as stuck"
)


async def put_back(
    settings: Settings,
    folder: Path,
    key_folder: Path,
    passphrase: str | None,
    notice: Notice,
    *,
    without_bus: bool = False,
) -> Manifest:
    """The backup in `folder` as it was, into the empty places that the settings name; a bus elsewhere among them, to
    which what was on its way is brought from the one that the backup was on, unless that one is gone (`without_bus`).

    `Conflict`: `BACKUP_DAMAGED`, `NEWER_RELEASE`, `OTHER_INSTALLATION` (the keys of another one), `NOT_EMPTY`,
    `WRONG_PASSPHRASE`, `OTHER_BUS`, `BUS_AWAY`. Nothing is written then.
    """
    manifest = await asyncio.to_thread(Manifest.read, folder)
    catalog = load(settings.catalog_folders)
    _require_known(manifest, catalog)
    for empty in (settings.key_folder, files_of(settings)):
        if empty.exists() and any(empty.iterdir()):
            raise databases.not_empty(str(empty))
    elsewhere = manifest.bus != EMBEDDED
    if elsewhere and not without_bus:
        await require_place(settings, catalog, manifest.address)
    with tempfile.TemporaryDirectory(prefix="onewindow-keys-") as aside:
        held = Path(aside) / "keys"
        await asyncio.to_thread(keys.bring_back, key_folder, held, passphrase)
        _require_own_keys(manifest, held)
        async with places(settings, catalog, notice, new=True) as found:
            await _fill(manifest, folder, found, notice)
            if elsewhere:
                await _bring_over(settings, catalog, manifest, found, notice, without_bus=without_bus)
        await asyncio.to_thread(_copy_files, folder / "files", files_of(settings))
        await asyncio.to_thread(keys.save, held, settings.key_folder, None)
    return manifest


async def _fill(manifest: Manifest, folder: Path, found: Found, notice: Notice) -> None:
    """Every database of the backup into the place that the settings have for it; none where one is not empty."""
    _require_places(manifest, found)
    for name in manifest.databases:
        await databases.require_empty(found[name][0])
    for name, kept in manifest.databases.items():
        notice(f"{name}: {', '.join(kept.revisions)}")
        await databases.make_roles(found[name][0], kept.revisions)
        await asyncio.to_thread(databases.restore, found[name][0], folder / kept.file)


async def _bring_over(
    settings: Settings,
    catalog: Catalog,
    manifest: Manifest,
    found: Found,
    notice: Notice,
    *,
    without_bus: bool,
) -> None:
    if without_bus:
        notice(GONE)
    else:
        homes = [(dsn, [_spec(catalog, name) for name in living]) for dsn, living in found.values()]
        notice((await bring_over(settings, catalog, manifest.address, homes)).told())
    for dsn, _ in found.values():
        await move_in(dsn, settings.bus)


def _require_known(manifest: Manifest, catalog: Catalog) -> None:
    """A release before the one that made it does not know how its rows lie."""
    if Release.parse(manifest.release) > this_release():
        raise Conflict(
            "NEWER_RELEASE",
            f"该备份由更新的版本({manifest.release})制作;请用该版本恢复",
            f"a newer release ({manifest.release}) made this backup; restore with that one",
        )
    for kept in manifest.databases.values():
        for service, revision in kept.revisions.items():
            if service not in catalog.services or revision not in _revisions(catalog, service):
                raise Conflict(
                    "NEWER_RELEASE",
                    f"该备份由更新的版本({manifest.release})制作:{service} {revision};请用该版本恢复",
                    f"a newer release ({manifest.release}) made this backup: {service} {revision}; restore with that one",
                )


def _revisions(catalog: Catalog, service: str) -> set[str]:
    versions = _spec(catalog, service).migrations / "versions"
    return {path.name.partition("_")[0] for path in versions.glob("[0-9]*.py")}


def _spec(catalog: Catalog, service: str) -> ServiceSpec:
    spec: ServiceSpec = importlib.import_module(catalog.services[service].spec_module).SERVICE
    return spec


def _require_own_keys(manifest: Manifest, held: Path) -> None:
    installation = keys.installation_of(held)
    if installation != manifest.installation:
        raise Conflict(
            "OTHER_INSTALLATION",
            f"这些密钥属于另一套系统({installation}),备份属于 {manifest.installation}",
            f"these keys belong to another installation ({installation}), the backup to {manifest.installation}",
        )
    if missing := sorted(set(manifest.keys) - set(keys.names(held))):
        raise damaged(", ".join(missing[:5]))


def _require_places(manifest: Manifest, found: Found) -> None:
    if manifest.databases.keys() != found.keys():
        there, wanted = ", ".join(found), ", ".join(manifest.databases)
        raise Conflict(
            "OTHER_DATABASES",
            f"备份中的数据库为 {wanted},设置中为 {there};请照备份设置各服务的数据库",
            f"the backup holds the databases {wanted}, the settings name {there}: name them as in the backup",
        )


def _copy_files(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
