"""Users, by a router without a prefix."""

from fastapi import APIRouter

router = APIRouter()


@router.get("/users/me")
def me():
    return {}


@router.get("/users/{name}")
def user(name: str):
    return {}
