"""One target under atheris (https://github.com/google/atheris), in a process of its own: see __main__.py.

`python -m tests.fuzz.child TARGET FLAG...`, where the flags are libFuzzer's (https://llvm.org/docs/LibFuzzer.html).
"""

from __future__ import annotations

import random
import resource
import sys

import atheris

with atheris.instrument_imports(include=["hardgate"]):
    from tests.fuzz import nasty
    from tests.fuzz.targets import STEERED, TARGETS, feed

MEMORY = 3 << 30  # bytes


def main(name: str, flags: list[str]) -> None:
    """Feed a target until libFuzzer has had enough; it ends the process itself."""
    target = TARGETS[name]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        """Half of the time libFuzzer's own way; what steers is no file and has no other."""
        rng = random.Random(seed)
        if data.startswith(STEERED) or rng.random() < 0.5:
            return bytes(atheris.Mutate(data, longest))
        return nasty.spoilt(data, rng.choice(target.seeds), rng)[:longest]

    atheris.Setup([sys.argv[0], *flags], lambda data: feed(target, data), custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
