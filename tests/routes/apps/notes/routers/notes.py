"""Notes, and their tags below them."""

from fastapi import APIRouter

router = APIRouter(prefix="/notes")
tags = APIRouter(prefix="/{note_id}/tags")


@router.get("/{note_id}")
def one(note_id: str):
    return {"id": note_id}


@router.get("/latest")
def never_reached():
    return {}


@router.api_route("/search", methods=["POST", "PUT"])
def search():
    return []


@router.get("/files/{name:path}")
def file(name: str):
    return name


@tags.put("/{tag}")
def tag(note_id: str, tag: str):
    return {}


router.include_router(tags)
