"""Who did something, what a policy allows of overrides, and how one was used: values that model.py hands on."""

from __future__ import annotations

from typing import Annotated

import msgspec

LONGEST = 720.0
"""Hours that a policy may allow an override to last at most: 30 days."""


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who did something, as far as hardgate can know: `name` as `source` told it, `account` is user@host.

    `source`: "--by", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CODEBUILD_INITIATOR", "git config", "system user",
    "hardgate" for what the program did by itself, "unknown".
    """

    name: str = ""
    source: str = "unknown"
    account: str = ""


NOBODY = Person()


class OverridePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the policy allows of overrides. `max_hours`: how long one lasts at most after it is granted; 0 allows none.

    `two_person`: the granter is another than the requester. `incomplete`: what was not looked at can be overridden too.
    """

    max_hours: Annotated[float, msgspec.Meta(ge=0, le=LONGEST)] = 24.0
    two_person: bool = True
    incomplete: bool = False


class OverrideUse(msgspec.Struct, frozen=True, kw_only=True):
    """The override that a gate has used up: what every report shows beside the verdict. People are names."""

    id: str
    reason: str
    ticket: str
    requester: str
    granter: str
    granted_at: str
    expires: str
    used_by: str
    used_at: str
