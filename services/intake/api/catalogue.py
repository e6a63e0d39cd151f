"""`/api/catalogue`: what can be applied for, in full and without signing in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from services.intake import store
from services.intake.api.catalogue_shapes import BundleShown, CatalogueShown, DefinitionShown, MatterShown
from shared.catalog.definition import bundle_document, catalogue_document, matter_document
from shared.http.auth import public
from shared.http.documented import answers
from shared.http.refusals import not_found
from shared.runtime.spec import ServiceHandle


def router(handle: ServiceHandle) -> APIRouter:
    """The catalogue in force, and every definition a case was ever handled under."""
    routes = APIRouter(tags=["catalogue"])
    catalog = handle.catalog
    whole: dict[str, Any] = {}

    @routes.get("", dependencies=[public()], **answers(CatalogueShown))
    async def get_catalogue() -> dict[str, Any]:
        """Every bundle and matter in short."""
        if not whole:
            whole.update(catalogue_document(catalog))
        return whole

    @routes.get("/matters/{code}", dependencies=[public()], **answers(MatterShown))
    async def get_matter(code: str) -> dict[str, Any]:
        """One matter: form, materials, limits, law."""
        if code not in catalog.matters:
            raise not_found()
        return matter_document(catalog, code)

    @routes.get("/bundles/{code}", dependencies=[public()], **answers(BundleShown))
    async def get_bundle(code: str) -> dict[str, Any]:
        """One bundle: its matters in order, and the one form they share."""
        if code not in catalog.bundles:
            raise not_found()
        return bundle_document(catalog, code)

    @routes.get("/definitions/{sha256}", dependencies=[public()], **answers(DefinitionShown))
    async def get_definition(sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]) -> Any:
        """What cases that pinned this SHA-256 are handled under."""
        found = await store.stored_definition(handle, sha256)
        if found is None:
            raise not_found()
        return found

    return routes
