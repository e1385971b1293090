"""Captures the samples of cdk-nag from real syntheses.

    python -m tests.scanners.capture_cdk PYTHON

PYTHON has aws-cdk-lib and cdk-nag, 2.x or 3.x (the samples: aws-cdk-lib 2.275.0 with cdk-nag 2.38.2 and with 3.0.2);
Node.js must be on PATH. It takes a minute.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from hardgate import tools

SAMPLES = Path(__file__).parent / "samples" / "cdk-nag"
STACK = """\
import aws_cdk as cdk
import cdk_nag
from aws_cdk import aws_ec2 as ec2, aws_iam as iam, aws_s3 as s3, aws_sqs as sqs

REASON = "No access logs, for it holds nothing of value"
app = cdk.App()
"""
HOLES = """\
shop = cdk.Stack(app, "Shop")
bucket = s3.Bucket(shop, "Plain")
sqs.Queue(shop, "Orders")
wide = cdk.CfnParameter(shop, "Range", type="String")
vpc = ec2.Vpc.from_vpc_attributes(shop, "Net", vpc_id="vpc-1", availability_zones=["a"])
group = ec2.SecurityGroup(shop, "Open", vpc=vpc)
group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(22))
rule = {"ipProtocol": "tcp", "cidrIp": wide.value_as_string, "fromPort": 22, "toPort": 22}
ec2.CfnSecurityGroup(shop, "Unsure", group_description="x", security_group_ingress=[rule])
iam.ManagedPolicy(shop, "Wide", statements=[iam.PolicyStatement(actions=["s3:*"], resources=["*"])])
"""
CLEAN = """\
shop = cdk.Stack(app, "Sealed")
bucket = s3.Bucket(shop, "Plain", enforce_ssl=True)
"""
SECOND = """\
cdk_nag.NagSuppressions.add_resource_suppressions(bucket, [{"id": "AwsSolutions-S1", "reason": REASON}])
formats = [cdk_nag.NagReportFormat.CSV, cdk_nag.NagReportFormat.JSON]
cdk.Aspects.of(app).add(cdk_nag.AwsSolutionsChecks(verbose=True, reports=True, report_formats=formats))
app.synth()
"""
THIRD = """\
cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
cdk.Validations.of(bucket).acknowledge(cdk.Acknowledgment(id="AwsSolutions-S1", reason=REASON))
app.synth()
"""


def synthesise(python: str, source: str, kept: dict[str, str]) -> None:
    """Run one app, and keep files of its cdk.out as samples."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "cdk.out"
        variables = {"CDK_OUTDIR": str(out), "PATH": os.environ["PATH"]}
        env = tools.environment(Path(folder), extra=variables)
        done = tools.run((python, "-c", source), cwd=Path(folder), env=env, timeout=300)
        for name, sample in kept.items():
            (SAMPLES / sample).write_bytes((out / name).read_bytes())
            sys.stdout.write(f"{sample}: exit code {done.exit_code}\n")


def main(python: str) -> None:
    words = (python, "-c", "import importlib.metadata as m; print(m.version('cdk-nag'))")
    env = tools.environment(Path.cwd())
    version = tools.run(words, cwd=Path.cwd(), env=env, timeout=60).stdout.decode().strip()
    if version.startswith("2."):
        reports = {f"AwsSolutions--Shop-NagReport.{end}": f"nag-report-{version}.{end}" for end in ("csv", "json")}
        synthesise(python, STACK + HOLES + SECOND, reports)
        return
    found = {
        "validation-report.json": f"validation-report-{version}.json",
        "Shop.metadata.json": f"metadata-{version}.json",
    }
    synthesise(python, STACK + HOLES + THIRD, found)
    synthesise(python, STACK + CLEAN + THIRD, {"validation-report.json": f"clean-{version}.json"})


if __name__ == "__main__":
    main(sys.argv[1])
