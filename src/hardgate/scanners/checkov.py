"""checkov: infrastructure as code and pipelines held against known-bad settings.

Report: `checkov --output json`, an object for one framework, a list for several, and a flat object when nothing was
scanned (https://www.checkov.io/8.Outputs/JSON.html). Without its vendor's service checkov states no severity, so the
table below rates the checks; docs/scanners/checkov.md says how it was made.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode, refuse_empty
from hardgate.errors import ReportError
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "checkov"
_INDEX = "https://www.checkov.io/5.Policy%20Index/all.html"
_COMMENT = 120  # characters of an inline skip's reason that a message quotes

Framework = Literal[
    "ansible", "argo_workflows", "arm", "azure_pipelines", "bicep", "bitbucket_pipelines", "circleci_pipelines",
    "cloudformation", "github_actions", "gitlab_ci", "kubernetes", "openapi", "serverless", "terraform_json",
    "terraform_plan",
]  # fmt: skip


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of checkov.

    `frameworks` are looked at beside Terraform and Dockerfiles, which always are. helm and kustomize are not offered:
    checkov silently leaves them out where their own programs are missing.
    """

    frameworks: tuple[Framework, ...] = ("cloudformation", "github_actions", "kubernetes", "serverless")


_CRITICAL, _HIGH, _MEDIUM, _LOW, _INFO = Severity
_WORDS = {
    "CRITICAL": _CRITICAL, "IMPORTANT": _HIGH, "HIGH": _HIGH, "MODERATE": _MEDIUM, "MEDIUM": _MEDIUM, "LOW": _LOW,
    "INFO": _INFO, "NONE": _INFO,
}  # fmt: skip

# What a failed check lets happen, and the checks of that sort by their numbers. CloudFormation and Terraform share ids.
_RATED: tuple[tuple[Severity, str, dict[str, str]], ...] = (
    (_CRITICAL, "a secret lies in the code", {"CKV_AWS": "41 45 46 295 384"}),
    (_CRITICAL, "secrets are sent to a stranger", {"CKV2_AWS": "36"}),
    (
        _CRITICAL,
        "anyone may read, write or act, without an account of ours",
        {"CKV_AWS": "20 32 33 57 70 167 168 169 283 302 303 358 375 387 393", "CKV2_AWS": "43"},
    ),
    (_CRITICAL, "an identity may do everything", {"CKV_AWS": "1 62", "CKV2_AWS": "40"}),
    (_CRITICAL, "the container owns its host", {"CKV_K8S": "27"}),
    (
        _HIGH,
        "a service for ourselves answers the whole internet",
        {
            "CKV_AWS": "17 24 25 38 59 69 72 87 89 100 102 164 229 230 231 232 258 277 291 301 309 352 366",
            "CKV2_AWS": "7 66 70",
        },
    ),
    (
        _HIGH,
        "an identity may widen its own rights or take data out",
        {
            "CKV_AWS": "49 60 61 63 107 108 109 110 111 274 275 286 287 288 289 290 348 355 356 364 385",
            "CKV2_AWS": "56 68",
            "CKV_K8S": "49 155 156 157 158",
        },
    ),
    (_HIGH, "a request forged by the server reads the machine's credentials", {"CKV_AWS": "79 371"}),
    (
        _HIGH,
        "traffic can be read or changed on its way",
        {"CKV_AWS": "2 34 83 90 105 220 357 376 378", "CKV2_AWS": "49 54 69 72"},
    ),
    (
        _HIGH,
        "what is installed into the image is not verified",
        {"CKV2_DOCKER": "2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"},
    ),
    (_HIGH, "a password is part of the image", {"CKV2_DOCKER": "17"}),
    # As hadolint (DL3002) and Trivy (DS-0002) have it.
    (_HIGH, "whoever breaks into the program is root in the container", {"CKV_DOCKER": "3 8"}),
    (_HIGH, "text from outside runs in the pipeline, or its token can do too much", {"CKV_GHA": "1 2 3 4"}),
    (_HIGH, "the token of the pipeline can write everywhere", {"CKV2_GHA": "1"}),
    (_HIGH, "the container reaches its host", {"CKV_AWS": "210 316 335", "CKV_K8S": "16 17 18 19 39"}),
    (_HIGH, "software with a published, used hole", {"CKV_AWS": "192 208 250 388", "CKV2_AWS": "47 76 77 78"}),
    (
        _MEDIUM,
        "data at rest is in clear for whoever gets the disk or a copy",
        {
            "CKV_AWS": "3 5 8 16 19 22 26 27 29 42 43 44 47 58 64 74 77 78 81 94 96 98 99 106 140 146 155 156 159 171"
            " 199 200 204 214 235 240 253 255 279 292 308 311 349 350",
            "CKV2_AWS": "2 34 55",
        },
    ),
    (
        _MEDIUM,
        "weak or missing encryption on the way",
        {
            "CKV_AWS": "6 30 31 97 103 112 127 174 202 206 213 215 218 224 228 239 259 346 351 365 369 379 380",
            "CKV2_AWS": "20 74",
        },
    ),
    (
        _MEDIUM,
        "a safety net against making something public is off",
        {"CKV_AWS": "53 54 55 56 205 390 392", "CKV2_AWS": "6 12 65"},
    ),
    (
        _MEDIUM,
        "more can reach it than need be",
        {
            "CKV_AWS": "39 68 88 117 122 123 130 137 154 248 260 306 307 321 331 333 341 370 382 389",
            "CKV2_AWS": "1 28 29 33 35 44 46 75",
        },
    ),
    (
        _MEDIUM,
        "who may use it is held loosely",
        {
            "CKV_AWS": "40 161 162 170 249 273 329 330 342 359",
            "CKV2_AWS": "22 37 41 51 52 53 64",
        },
    ),
    (
        _MEDIUM,
        "an attack would leave no trace",
        {
            "CKV_AWS": "18 35 36 37 48 67 71 75 76 80 84 85 86 91 92 95 101 104 113 121 175 176 193 194 197 223 234 238"
            " 251 314 317 324 325",
            "CKV2_AWS": "3 10 11 31 39 45 48 63",
        },
    ),
    (_MEDIUM, "a secret or key stays good for years", {"CKV_AWS": "7 9 227 304", "CKV2_AWS": "57"}),
    (_MEDIUM, "a password may be guessed", {"CKV_AWS": "10 11 12 13 14 15 391"}),
    (_MEDIUM, "code nobody signed may run, or a version may change unseen", {"CKV_AWS": "51 163 272 386"}),
    (_MEDIUM, "no longer gets fixes", {"CKV_AWS": "207 211 222 226 322 332 339 340 363"}),
    (_MEDIUM, "root, or another way to more rights inside the container", {"CKV_AWS": "334 336"}),
    (_MEDIUM, "a way to become root inside the image", {"CKV2_DOCKER": "1"}),
    (_MEDIUM, "another image tomorrow under the same name, or a way in by SSH", {"CKV_DOCKER": "1 7"}),
    (_MEDIUM, "more rights inside the pod than most programs need", {"CKV_K8S": "6 20 23 24 25 26 36 40 41 42 44"}),
    (_LOW, "odd or unrepeatable, seldom a hole", {"CKV_DOCKER": "2 4 5 11", "CKV_GHA": "5 6 7"}),
    (
        _LOW,
        "hardening of a pod",
        {
            "CKV_K8S": "8 9 10 11 12 13 14 15 21 22 28 29 30 31 35 37 38 43",
            "CKV2_K8S": "1 2 3 4 5 6",
        },
    ),
    (
        _LOW,
        "encrypted, but with a key of AWS's and not of ours",
        {
            "CKV_AWS": "119 136 142 145 147 149 158 160 166 173 177 178 179 180 181 182 183 184 185 186 187 189 190 191"
            " 195 201 203 209 212 219 221 236 241 245 246 247 254 256 262 263 264 265 266 267 268 269 270 271 278 280"
            " 281 282 294 296 297 298 327 337 345 347 354 367 368 372 373",
            "CKV2_AWS": "73",
        },
    ),
    (
        _LOW,
        "an outage or a loss, not a break-in",
        {
            "CKV_AWS": "21 28 93 115 116 133 134 138 139 143 144 150 152 157 165 172 293 310 313 318 323 326 343"
            " 344 360 361 362 377",
            "CKV2_AWS": "8 9 15 16 18 50 58 59 60",
        },
    ),
    (
        _LOW,
        "harder to watch or to look into afterwards",
        {
            "CKV_AWS": "50 65 66 73 82 118 124 126 129 242 243 244 252 257 276 284 285 312 319 328 338 353 383",
            "CKV2_AWS": "4 27 30 32 38 42 71",
        },
    ),
    (
        _LOW,
        "old way that AWS gave up, or a loose end",
        {"CKV_AWS": "114 131 148 196 198 305 315 320", "CKV2_AWS": "5 14 19 21 23"},
    ),
    (_INFO, "tidiness, cost or speed", {"CKV_AWS": "23 120 135 141 153 216 217 225 233 237 261 300 374 381 394"}),
    (_INFO, "tidiness of a bucket", {"CKV2_AWS": "61 62"}),
    (_INFO, "style of a Dockerfile", {"CKV_DOCKER": "6 9 10"}),
)  # fmt: skip
RATINGS: Mapping[str, Severity] = {
    f"{family}_{number}": severity
    for severity, _why, families in _RATED
    for family, numbers in families.items()
    for number in numbers.split()
}
_SECRETS = frozenset({"CKV_AWS_41", "CKV_AWS_45", "CKV_AWS_46", "CKV_AWS_295", "CKV_AWS_384"})


class _Outcome(msgspec.Struct):
    result: str
    suppress_comment: str | None = None


class _Record(msgspec.Struct):
    check_id: str
    check_name: str
    check_result: _Outcome
    file_path: str
    file_line_range: tuple[int, int]
    resource: str
    severity: str | None = None


class _Results(msgspec.Struct):
    # `--quiet` leaves out all lists but this one; the summary then still counts what is missing.
    failed_checks: list[_Record]
    skipped_checks: list[_Record] = []
    parsing_errors: list[str] = []


class _Summary(msgspec.Struct):
    passed: int
    failed: int
    skipped: int
    parsing_errors: int
    resource_count: int
    checkov_version: str


class _Part(msgspec.Struct):
    check_type: str
    results: _Results
    summary: _Summary


class _Object(msgspec.Struct):
    # Either a part, or the counts alone.
    check_type: str | None = None
    passed: int | None = None


def _argv(job: Job) -> tuple[str, ...]:
    # Not --quiet: it takes the skipped checks and the unread files out of the report.
    frameworks = ",".join(("terraform", "dockerfile", *job.options.frameworks))
    looking = ("--directory", ".", "--framework", frameworks, "--skip-download", "--download-external-modules", "false")
    return (*job.command, *looking, "--output", "json", "--compact", *job.args)


def _environment(_job: Job) -> Mapping[str, str]:
    # By default checkov leaves out hidden folders and node_modules, and files above 5 and 50 MB, without a word.
    return {
        "CKV_IGNORE_HIDDEN_DIRECTORIES": "false",
        "CKV_IGNORED_DIRECTORIES": "-",
        "CHECKOV_MAX_FILE_SIZE": "1000000000",
        "CHECKOV_MAX_IAC_FILE_SIZE": "1000000000",
        "HCL_PARSE_TIMEOUT_SEC": "120",
    }


def _parse(raw: bytes) -> Report:
    parts = _parts(raw)
    if not parts:
        return Report(gaps=(_NOTHING,))
    findings, gaps = [], []
    for part in parts:
        _check(part)
        for record in (*part.results.failed_checks, *part.results.skipped_checks):
            finding = _finding(record)
            findings.append(finding)
            if finding.severity_from == "adapter" and record.check_id not in RATINGS:
                gaps.append(_unrated(record))
        gaps += [_unread(path, part.check_type) for path in part.results.parsing_errors]
        gaps += _withheld(part)
    return Report(findings=tuple(findings), gaps=tuple(gaps), version=parts[0].summary.checkov_version)


def _parts(raw: bytes) -> list[_Part]:
    """The report's part for each framework; none when checkov says that it scanned nothing."""
    if raw.lstrip().startswith(b"["):
        return refuse_empty(decode(raw, list[_Part], _TOOL), _TOOL)
    kind = decode(raw, _Object, _TOOL)
    if kind.check_type is None and kind.passed is not None:
        decode(raw, _Summary, _TOOL)
        return []
    return [decode(raw, _Part, _TOOL)]


def _check(part: _Part) -> None:
    """Refuse a part that holds another number of failed checks than it counts."""
    held, counted = len(part.results.failed_checks), part.summary.failed
    if held != counted:
        raise ReportError(f"checkov's report of {part.check_type} counts {counted} failed checks and holds {held}")


def _finding(record: _Record) -> Finding:
    own = _WORDS.get((record.severity or "").upper())
    first, last = record.file_line_range
    return Finding(
        scanner=_TOOL,
        rule=record.check_id,
        kind=Kind.SECRET if record.check_id in _SECRETS else Kind.MISCONFIGURATION,
        severity=own or RATINGS.get(record.check_id, Severity.HIGH),
        severity_from="tool" if own else "adapter",
        message=_message(record),
        location=Location(path=record.file_path.lstrip("/"), line=first or None, end_line=last or None),
        fix=record.check_name if record.check_name.startswith("Ensure") else "",
        url=_INDEX,
    )


def _message(record: _Record) -> str:
    # A Dockerfile's "resource" is its path and the instruction.
    resource = record.resource.removeprefix(record.file_path).strip(".") or posixpath.basename(record.file_path)
    text = f"{record.check_name} (not so: {resource})"
    if record.check_result.result != "SKIPPED":
        return text
    reason = " ".join((record.check_result.suppress_comment or "").split())[:_COMMENT]
    return f"{text}. The file asks checkov to skip this check{f': {reason}' if reason else ''}"


def _unrated(record: _Record) -> Gap:
    return Gap(
        reason=GapReason.SEVERITY_UNKNOWN,
        path=record.file_path.lstrip("/"),
        message=f"checkov states no severity for {record.check_id} ({record.check_name}), and hardgate has none: "
        "it counts as high.",
        remedy=f"Rate it in hardgate.yaml: checkov: {{severity: {{{record.check_id}: medium}}}}.",
    )


def _unread(path: str, framework: str) -> Gap:
    return Gap(
        reason=GapReason.FILE_UNREAD,
        path=path,
        message=f"checkov could not read the file as {framework}: it was not judged.",
        remedy="Mend its syntax (for Terraform: terraform validate), or leave it out with checkov: {exclude: [...]}.",
    )


def _withheld(part: _Part) -> list[Gap]:
    missing = part.summary.skipped - len(part.results.skipped_checks)
    unread = part.summary.parsing_errors - len(part.results.parsing_errors)
    if missing <= 0 and unread <= 0:
        return []
    message = f"checkov's report of {part.check_type} counts {missing} skipped checks and {unread} unread files more"
    remedy = "Write the report without --quiet."
    return [Gap(reason=GapReason.FILE_UNREAD, message=f"{message} than it names.", remedy=remedy)]


_NOTHING = Gap(
    reason=GapReason.FILE_UNREAD,
    message="checkov says that it scanned nothing.",
    remedy="Check `paths` and `exclude` of the action, and its frameworks.",
)


def _selects(path: str) -> bool:
    name = posixpath.basename(path)
    endings = (".tf", ".tf.json", ".tfvars", ".yaml", ".yml", ".json", ".template", ".bicep")
    return name.endswith(endings) or bool(re.search(r"(^|\.)dockerfile($|\.)", name.lower()))


def _configs(path: str) -> bool:
    return posixpath.basename(path) in {".checkov.yaml", ".checkov.yml", ".checkov.baseline"}


CHECKOV = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.MISCONFIGURATION, Kind.SECRET}),
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, 1}),
    canary=Canary(
        files={
            "Dockerfile": b"FROM python:latest\n",
            "main.tf": b'resource "aws_s3_bucket" "canary" {\n  bucket = "canary"\n  acl    = "public-read"\n}\n',
        },
        rules=("CKV_DOCKER_7", "CKV_AWS_20"),
    ),
    # Planted, as checkov ends with 0 and a report of zeros when it looked at nothing.
    planted=True,
    selects=_selects,
    configs=_configs,
    options=Options,
    environment=_environment,
    seconds=8.0,
    memory=260_000_000,
)
