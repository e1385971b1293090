"""What a CloudFormation template is recognised by."""

from __future__ import annotations

import pytest

from hardgate import templates

VERSION = b'AWSTemplateFormatVersion: "2010-09-09"\n'


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("template.yaml", True),
        ("stacks/Template.JSON", True),
        ("cdk.out/Shop.template.json", True),
        ("stacks/network.template", True),
        ("stacks/network.cfn.yml", True),
        ("cloudformation-network.yaml", True),
        ("li\nne.template", True),
        ("my-template.yaml", False),
        ("template.yaml/readme.md", False),
        ("settings.yaml", False),
    ],
)
def test_names(path: str, named: bool) -> None:
    assert templates.is_named(path) is named
    assert templates.may_be(path) or not named


@pytest.mark.parametrize(
    "content",
    [
        VERSION + b"Resources: {}\n",
        b"# a comment\r\n" + VERSION,
        b"\xef\xbb\xbf" + b"{" + b'"AWSTemplateFormatVersion": "2010-09-09"}',
        b'{"Description":"x","AWSTemplateFormatVersion":"2010-09-09"}',
        b"Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n",
        b"'Resources':\n  Topic:\n    Type: Custom::Thing\n",
        b'{\n  "Resources": {\n    "T": {"Type": "AWS::SNS::Topic"}\n  }\n}\n',
        b"{Description: x, Resources: {T: {Type: 'AWS::SNS::Topic'}}}",
        b"Resources:\n  Topic: {Type: AWS::SNS::Topic\n",  # broken
        VERSION.decode().encode("utf-16"),
        b"\xef\xbb\xbfResources: {T: {Type: 'AWS::SNS::Topic'}}\n",
    ],
)
def test_contents_of_templates(content: bytes) -> None:
    assert templates.is_template("stack.yaml", content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name: ci\non: push\n",
        b"# AWSTemplateFormatVersion: the first key of a template\nname: x\n",
        b"Resources:\n  limits: {cpu: 1}\n",
        b"resources:\n  Resources:\n    T:\n      Type: AWS::SNS::Topic\n",  # of the Serverless Framework
        b'{"typeName": "AWS::S3::Bucket"}',
    ],
)
def test_contents_of_others(content: bytes) -> None:
    assert not templates.is_template("settings.yaml", content)


def test_a_name_that_tells_needs_no_content() -> None:
    assert templates.is_template("template.yaml", b"")
