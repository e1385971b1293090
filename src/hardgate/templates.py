"""CloudFormation templates, by their names and by their contents: an adapter, the plan and `init` ask.

A template may have any name, and says by its sections what it is:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

import re

_ENDINGS = (".yaml", ".yml", ".json", ".template")
# Names that tell by themselves: *.template, *.template.json (CDK), *.cfn.yaml, cloudformation*.yml, and SAM's
# template.yaml.
_NAMED = re.compile(
    r".*\.template|.*\.(?:template|cfn|cloudformation)\.(?:ya?ml|json)|(?:cloudformation.*|template)\.(?:ya?ml|json)",
    re.IGNORECASE | re.DOTALL,
)
# A key at the left margin, in quotation marks, or behind a bracket or a comma.
_KEY = rb"(?m:^|^[ \t]*[\"']|[{,]\s*[\"']?)%s[\"']?\s*:"
_VERSION = re.compile(_KEY % rb"AWSTemplateFormatVersion")
_RESOURCES = re.compile(_KEY % rb"Resources")
_MARKS = b"\xef\xbb\xbf\xff\xfe"
_TYPE = re.compile(rb"\b(?:AWS|Alexa|Custom)::[A-Za-z0-9]")


def is_named(path: str) -> bool:
    """Whether the name of a file says that it is a template."""
    return bool(_NAMED.fullmatch(path.rpartition("/")[2]))


def may_be(path: str) -> bool:
    """Whether a file of this name may be a template: YAML, JSON, or `*.template`."""
    return path.lower().endswith(_ENDINGS)


def is_template(path: str, content: bytes) -> bool:
    """Whether a file is a template: by its name, or because it has the format's version, or resources with a type.

    No parser is asked: a broken template is one too, and must not be passed by.
    """
    text = content.replace(b"\0", b"").lstrip(_MARKS)  # UTF-16 and byte order marks, as Windows editors write them
    if is_named(path) or _VERSION.search(text):
        return True
    return bool(_RESOURCES.search(text) and _TYPE.search(text))
