"""Bearer tokens of the safe endpoints: short-lived, for one audience, signed with a key from outside the code."""

import functools
import time
from collections.abc import Callable
from typing import ParamSpec

import jwt
from flask import current_app, jsonify, request
from flask.typing import ResponseReturnValue

AUDIENCE = "planetary-api/safe"
LIFETIME_SECONDS = 15 * 60

View = ParamSpec("View")


def issue(email: str) -> str:
    """Return a token for the account with this address."""
    now = int(time.time())
    claims = {"sub": email, "aud": AUDIENCE, "iat": now, "exp": now + LIFETIME_SECONDS}
    return jwt.encode(claims, current_app.config["SAFE_JWT_KEY"], algorithm="HS256")


def is_valid(token: str) -> bool:
    """Say whether a token is ours, is for the safe endpoints and has not run out."""
    key = current_app.config["SAFE_JWT_KEY"]
    try:
        jwt.decode(token, key, algorithms=["HS256"], audience=AUDIENCE, options={"require": ["exp", "sub", "aud"]})
    except jwt.InvalidTokenError:
        return False
    return True


def token_required(view: Callable[View, ResponseReturnValue]) -> Callable[View, ResponseReturnValue]:
    """Answer 401 unless the request carries a valid token."""

    @functools.wraps(view)
    def guarded(*args: View.args, **kwargs: View.kwargs) -> ResponseReturnValue:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not is_valid(token):
            return jsonify(message="A valid token is needed. Ask /safe/login for one."), 401
        return view(*args, **kwargs)

    return guarded
