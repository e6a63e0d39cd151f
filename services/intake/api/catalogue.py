"""`/api/catalogue`: what can be applied for, in full and without signing in."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from services.intake import store
from services.intake.api.catalogue_shapes import BundleShown, CatalogueShown, DefinitionShown, MatterShown
from shared.catalog.commitments import CommitmentText, commitments
from shared.catalog.definition import bundle_document, catalogue_document, matter_document
from shared.clock import beijing_date
from shared.http.auth import public
from shared.http.documented import answers
from shared.http.refusals import none_named, not_found
from shared.policy import NATION
from shared.spec import ServiceHandle

Place = Annotated[str, Query(pattern="^[0-9]{6}([0-9]{6})?$")]


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
    async def get_matter(code: str, region: Place = NATION) -> dict[str, Any]:
        """One matter: form, materials, limits, law; with the words to be told before a commitment there."""
        if code not in catalog.matters:
            raise none_named(code, catalog.matters)
        return told(matter_document(catalog, code), region, beijing_date(handle.clock.now()))

    @routes.get("/bundles/{code}", dependencies=[public()], **answers(BundleShown))
    async def get_bundle(code: str, region: Place = NATION) -> dict[str, Any]:
        """One bundle: its matters in order, and the one form they share; with the words to be told there."""
        if code not in catalog.bundles:
            raise none_named(code, catalog.bundles)
        return told(bundle_document(catalog, code), region, beijing_date(handle.clock.now()))

    @routes.get("/definitions/{sha256}", dependencies=[public()], **answers(DefinitionShown))
    async def get_definition(sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]) -> Any:
        """What cases that pinned this SHA-256 are handled under."""
        found = await store.stored_definition(handle, sha256)
        if found is None:
            raise not_found()
        return found

    return routes


def told(document: dict[str, Any], region: str, on: date) -> dict[str, Any]:
    """The document, with the text that is told in writing beside each material for which a commitment may stand there."""
    texts = {m["type"]: commitments().of(m["type"], region, on) for m in document["materials"] if m["commits"]}
    materials = [{**m, "commitment": _text(texts.get(m["type"]))} for m in document["materials"]]
    return {**document, "materials": materials}


def _text(text: CommitmentText | None) -> dict[str, Any] | None:
    if text is None:
        return None
    said = {name: getattr(text, name) for name in ("version", "title", "content", "consequences")}
    return {**said, "verify": text.verify.model_dump(), "law": text.cite()}
