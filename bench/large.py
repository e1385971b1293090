"""Large reports of SARIF and Trivy, and the files that they speak of: the same number always makes the same bytes.

A report of SARIF has 100 findings a file, each in a function of three lines; one of Trivy 1,000 vulnerabilities for
each requirements file of 200 packages, without their lines, as Trivy writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_A_FILE, _A_LIST, _PACKAGES = 100, 1_000, 200
_LEVELS = ("error", "warning", "note")
_CWES = (89, 79, 78, 22, 502, 327, 611, 918, 20, 703)
_WORDS = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
_RULES = 120


def generate(kind: str, folder: Path, findings: int) -> Path:
    """Write a report of `findings` findings and the files that it names; the path of the report."""
    folder.mkdir(parents=True)
    report, make = folder / "report.json", _sarif if kind == "sarif" else _trivy
    with report.open("w", encoding="utf-8") as out:
        out.writelines(make(folder / "tree", findings))
    return report


def _sarif(tree: Path, findings: int) -> Iterator[str]:
    listed = ",".join(_rule(number) for number in range(_RULES))
    driver = f'{{"name":"scale","version":"1.0.0","rules":[{listed}]}}'
    yield f'{{"version":"2.1.0","runs":[{{"tool":{{"driver":{driver}}},"results":['
    for number in range(findings):
        place, inside = divmod(number, _A_FILE)
        path = f"service_{place % 40}/module_{place}.py"
        if not inside:
            _save(tree / path, "".join(map(_function, range(min(_A_FILE, findings - number)))))
        yield ("," if number else "") + _result(number, path, 3 * inside + 3)
    yield "]}]}"


def _rule(number: int) -> str:
    cwe = _CWES[number % len(_CWES)]
    about = f"Rule {number} of the scale benchmark: a value of the request reaches a statement"
    return (
        f'{{"id":"SC{number:03}","name":"scale-{number}","shortDescription":{{"text":"{about}"}},'
        f'"helpUri":"https://example.org/rules/SC{number:03}",'
        f'"properties":{{"tags":["security","external/cwe/cwe-{cwe}"]}}}}'
    )


def _result(number: int, path: str, line: int) -> str:
    rule = number * 7 % _RULES
    text = f"The value of name_{number % 977} comes from the request and reaches a statement of the database unchecked."
    region = (
        f'{{"startLine":{line},"startColumn":5,"endLine":{line},"endColumn":72,"snippet":{{"text":"    return db"}}}}'
    )
    return (
        f'{{"ruleId":"SC{rule:03}","ruleIndex":{rule},"level":"{_LEVELS[number % 3]}","message":{{"text":"{text}"}},'
        f'"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"{path}","uriBaseId":"%SRCROOT%"}},'
        f'"region":{region}}}}}]}}\n'
    )


def _function(number: int) -> str:
    return (
        f"def handler_{number}(request, db):\n"
        f'    value = request.args.get("name_{number}")\n'
        f'    return db.execute("SELECT id, name FROM t_{number % 9} WHERE name = \'" + value + "\'")\n'
    )


def _trivy(tree: Path, findings: int) -> Iterator[str]:
    yield '{"SchemaVersion":2,"ArtifactName":".","ArtifactType":"filesystem","Trivy":{"Version":"0.74.0"},"Results":['
    for number in range(findings):
        place, inside = divmod(number, _A_LIST)
        path = f"team_{place % 40}/requirements_{place}.txt"
        if not inside:
            _save(tree / path, "".join(f"package-{one}==1.{one % 7}.0\n" for one in range(_PACKAGES)))
            yield ("]}," if number else "") + f'{{"Target":"{path}","Class":"lang-pkgs","Type":"pip",'
            yield '"Vulnerabilities":['
        yield ("," if inside else "") + _vulnerability(inside)
    yield "]}]}"


def _vulnerability(number: int) -> str:
    package = number % _PACKAGES
    name, version, cve = f"package-{package}", f"1.{package % 7}.0", f"CVE-2024-{10_000 + number}"
    said = "A crafted document makes the parser read out of bounds, which ends the process or tells its memory."
    return (
        f'{{"VulnerabilityID":"{cve}","PkgName":"{name}","InstalledVersion":"{version}","FixedVersion":"2.0.0",'
        f'"PkgIdentifier":{{"PURL":"pkg:pypi/{name}@{version}"}},"Severity":"{_WORDS[number % 4]}","Title":"{said}",'
        f'"PrimaryURL":"https://avd.aquasec.com/nvd/{cve.lower()}","CweIDs":["CWE-125"],'
        f'"VendorIDs":["GHSA-scal-{number:04}-aaaa"]}}\n'
    )


def _save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
