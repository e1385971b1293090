"""Rules of several tools that speak of one weakness.

Two questions are asked here, and they are not the same. `bundled`: which bundled rule a rule stands for, so that a
refutation of that one is a refutation of this one; only such rules are listed as are wrong just when nothing harmful
reaches the place. `meaning`: what a finding is about, so that tools that say the same are witnesses of one finding.

Bandit's numbers (https://bandit.readthedocs.io/en/latest/plugins/) are Ruff's too. Checks of Dockerfiles and Terraform
are one where the tools' own titles say so: those of Trivy 0.74 (https://avd.aquasec.com/misconfig/), Checkov 3.3
(https://www.checkov.io/5.Policy%20Index/all.html) and hadolint 2.15 (https://github.com/hadolint/hadolint#rules).
"""

from __future__ import annotations

import functools
import re

_NUMBERS = {
    "102": "python-code-injection",  # exec
    "307": "python-code-injection",  # eval
    "301": "python-unsafe-deserialisation",  # pickle
    "302": "python-unsafe-deserialisation",  # marshal
    "308": "python-cross-site-scripting",  # mark_safe
    "703": "python-cross-site-scripting",
    "704": "python-cross-site-scripting",  # Markup
    "602": "python-command-injection",  # shell=True
    "603": "python-command-injection",  # a process without a shell
    "604": "python-command-injection",
    "605": "python-command-injection",  # os.system and its kin
    "606": "python-command-injection",
    "608": "python-sql-injection",  # a statement put together
    "610": "python-sql-injection",  # extra()
    "611": "python-sql-injection",  # RawSQL
}
# More numbers that say what a bundled rule says; whether they are wrong is another matter.
_SAID = {
    "201": "python-debug-mode",
    "303": "python-weak-hash",
    "304": "python-weak-cipher",
    "305": "python-ecb-mode",
    "306": "python-insecure-temporary-file",
    "311": "python-insecure-random",
    **{str(number): "python-xml-external-entities" for number in range(313, 321)},
    "323": "python-tls-verification-disabled",
    "324": "python-weak-hash",
    "501": "python-tls-verification-disabled",
    "502": "python-old-tls",
    "503": "python-old-tls",
    "505": "python-short-key",
    "506": "python-unsafe-yaml-load",
    "614": "python-unsafe-model-load",
}
_OURS = frozenset({"semgrep", "dataflow"})
_NUMBERED = {"bandit": "B", "ruff": "S"}

# A weakness by its CWE (https://cwe.mitre.org), for tools whose rules we do not know: the entry that bundled rules
# carry and its close kin. What is wider (CWE-20, 74, 200, 284, 327, 693, 798) says too little about what is wrong.
_FAMILIES = {
    "code-injection": (94, 95, 96),
    "command-injection": (77, 78, 88),
    "cross-site-scripting": (79, 80, 83, 87),
    "debug-mode": (489,),
    "header-injection": (93, 113),
    "insecure-cookie": (614,),
    "insecure-random": (330, 338),
    "insecure-temporary-file": (377, 379),
    "ldap-injection": (90,),
    "open-redirect": (601,),
    "path-traversal": (22, 23, 36, 73),
    "sql-injection": (89, 564),
    "ssrf": (918,),
    "template-injection": (1336,),
    "tls-verification-disabled": (295, 297),
    "unsafe-deserialisation": (502,),
    "unverified-jwt": (347,),
    "weak-hash": (328,),
    "xml-external-entities": (611,),
    "xpath-injection": (643,),
}
_BY_CWE = {f"CWE-{number}": name for name, numbers in _FAMILIES.items() for number in numbers}
# Classes of weaknesses, which many that have nothing in common are a part of.
_WIDE = frozenset(
    f"CWE-{number}"
    for number in (16, 19, 20, 74, 116, 118, 199, 200, 254, 264, 284, 310, 327, 344, 388, 399, 435, 485, 610, 657, 664,
                   668, 669, 682, 691, 693, 697, 703, 707, 710, 754, 755, 913, 1035, 1059, 1395)
)  # fmt: skip

LINE, BLOCK, FILE = "line", "block", "file"  # how near two findings must be: first line, overlapping lines, file
_DOCKERFILE = (
    (LINE, "DS-0001 CKV_DOCKER_7 DL3007"),  # the tag latest
    (LINE, "DS-0002 CKV_DOCKER_8 DL3002 dockerfile-root-user"),  # the last user is root
    (FILE, "DS-0002/file CKV_DOCKER_3"),  # no user at all
    (LINE, "DS-0004 CKV_DOCKER_1"),  # port 22
    (LINE, "DS-0005 CKV_DOCKER_4 DL3020"),  # ADD for COPY
    (LINE, "DS-0009 CKV_DOCKER_10 DL3000"),  # WORKDIR not absolute
    (LINE, "DS-0010 CKV2_DOCKER_1 DL3004"),  # sudo
    (LINE, "DS-0012 CKV_DOCKER_11 DL3024"),  # an alias twice
    (LINE, "DS-0013 DL3003"),  # cd
    (LINE, "DS-0015 DL3032"),  # yum clean all
    (LINE, "DS-0017 CKV_DOCKER_5"),  # update alone
    (LINE, "DS-0019 DL3040"),  # dnf clean all
    (LINE, "DS-0020 DL3036"),  # zypper clean
    (LINE, "DS-0021 DL3014"),  # apt-get -y
    (LINE, "DS-0022 CKV_DOCKER_6 DL4000"),  # MAINTAINER
    (LINE, "DS-0025 DL3019"),  # apk --no-cache
    (LINE, "DS-0029 DL3015"),  # --no-install-recommends
    (FILE, "DS-0026 CKV_DOCKER_2 DL3057"),  # no HEALTHCHECK
)
# Trivy's number and Checkov's, for the same resource.
_TERRAFORM = (
    "0010 CKV_AWS_86", "0011 CKV_AWS_68", "0012 CKV_AWS_34", "0013 CKV_AWS_174", "0014 CKV_AWS_67", "0015 CKV_AWS_35",
    "0016 CKV_AWS_36", "0017 CKV_AWS_158", "0024 CKV_AWS_28", "0025 CKV_AWS_119", "0026 CKV_AWS_3",
    "0028 CKV_AWS_79 terraform-instance-metadata", "0030 CKV_AWS_163", "0031 CKV_AWS_51", "0033 CKV_AWS_136",
    "0034 CKV_AWS_65", "0038 CKV_AWS_37", "0039 CKV_AWS_58", "0040 CKV_AWS_39", "0052 CKV_AWS_131", "0065 CKV_AWS_7",
    "0066 CKV_AWS_50", "0077 CKV_AWS_133", "0080 CKV_AWS_16", "0086 CKV_AWS_53", "0087 CKV_AWS_54", "0089 CKV_AWS_18",
    "0090 CKV_AWS_21", "0091 CKV_AWS_55", "0092 CKV_AWS_20 terraform-public-bucket", "0093 CKV_AWS_56",
    "0094 CKV2_AWS_6", "0095 CKV_AWS_26", "0096 CKV_AWS_27", "0124 CKV_AWS_23", "0132 CKV_AWS_145", "0176 CKV_AWS_161",
    "0177 CKV_AWS_293", "0180 CKV_AWS_17 terraform-public-database",
)  # fmt: skip
_CHECKS = {
    rule: (row.split()[0], reach)
    for reach, row in (*_DOCKERFILE, *((BLOCK, f"AWS-{row}") for row in _TERRAFORM))
    for rule in row.split()
}
_CHECKERS = frozenset({"trivy", "checkov", "hadolint", "semgrep"})


def is_bundled(scanner: str, rule: str) -> bool:
    """Whether it is a bundled rule for Python, which semgrep and dataflow report under one name."""
    return scanner in _OURS and rule.startswith("python-")


def bundled(scanner: str, rule: str) -> str:
    """The bundled rule that this rule stands for; "" for none."""
    if is_bundled(scanner, rule):
        return rule
    return _NUMBERS.get(rule[1:], "") if scanner in _NUMBERED and rule[:1] in {"B", "S"} else ""


def weaknesses(cwe: tuple[str, ...]) -> frozenset[str]:
    """The weaknesses by which a test and a tool mean the same: families, else single entries, without wide ones."""
    return frozenset(_BY_CWE.get(one, one) for one in cwe if one not in _WIDE)


@functools.lru_cache(maxsize=8192)
def meaning(scanner: str, rule: str, cwe: tuple[str, ...], *, whole_file: bool) -> tuple[str, str]:
    """What a finding of this rule says, and how near another one must be that says the same; ("", "") if it is alone.

    A rule that is listed is judged by the list and never by its CWE: bandit's CWEs are wide (an import of subprocess
    and a call with a shell are both CWE-78). Without a list the CWEs decide, if they are of one family.
    """
    if is_bundled(scanner, rule):
        return rule.removeprefix("python-"), LINE
    if scanner in _NUMBERED:
        number = rule[1:] if re.fullmatch(rf"{_NUMBERED[scanner]}\d{{3}}", rule) else ""
        said = (_NUMBERS | _SAID).get(number, "").removeprefix("python-")
        return (said or f"bandit {number}", LINE) if number else ("", "")
    if scanner in _CHECKERS:
        name = _trivy_id(rule) if scanner == "trivy" else rule
        if check := (_CHECKS.get(f"{name}/file") if whole_file else None) or _CHECKS.get(name):
            return check
    families = {_BY_CWE[one] for one in cwe if one in _BY_CWE}
    return (families.pop(), LINE) if len(families) == 1 else ("", "")


def _trivy_id(rule: str) -> str:
    """Trivy's ids were `DS002` and `AVD-DS-0002` before they were `DS-0002`."""
    old = re.fullmatch(r"(?:AVD-)?([A-Z]+)-?(\d+)", rule)
    return f"{old[1]}-{int(old[2]):04}" if old else rule
