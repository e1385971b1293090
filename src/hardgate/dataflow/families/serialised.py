"""Data from outside turned back into objects by something that can build any object, and so run any code."""

from __future__ import annotations

import ast
import re

from hardgate.dataflow.configured import UNSAFE_YAML
from hardgate.dataflow.families import lexical
from hardgate.dataflow.families.common import Checks, harmful, table
from hardgate.dataflow.families.origin import from_outside
from hardgate.dataflow.families.unpicklers import allows_little
from hardgate.dataflow.families.verified import verified
from hardgate.dataflow.frame import Call
from hardgate.dataflow.project import Class, Instance
from hardgate.dataflow.values import Value

_RULE = "python-unsafe-deserialisation"
_MESSAGE = (
    "Data from outside is turned into objects by something that can build any object: whoever sends it can run code."
)
# Functions that unpickle what they are given, or the file that they are given.
_PACKAGES = (
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "pickle5", "marshal", "zodbpickle", "joblib",
    "sklearn.externals.joblib", "compress_pickle", "cloudpickle.cloudpickle", "dill._dill",
)  # fmt: skip
_LOADERS = frozenset({
    *(f"{package}.{name}" for package in _PACKAGES for name in ("load", "loads", "_load", "_loads")),
    "jsonpickle.decode", "jsonpickle.loads", "jsonpickle.unpickler.decode", "jsonpickle.Unpickler().restore",
    "jsonpickle.unpickler.Unpickler().restore",
    "pandas.read_pickle", "pandas.io.pickle.read_pickle", "pandas.compat.pickle_compat.load", "shelve.open",
    "shelve.DbfilenameShelf", "shelve.Shelf", "shelve.BsdDbShelf",
    "pickle.Unpickler().load", "_pickle.Unpickler().load", "pickle._Unpickler().load", "dill.Unpickler().load",
    "cloudpickle.Unpickler().load", "joblib.numpy_pickle.NumpyUnpickler().load",
    "torch.jit.load", "pyarrow.deserialize", "numpy.lib.format.read_pickle", "statsmodels.iolib.smpickle.load_pickle",
    "mlflow.pyfunc.load_model", "celery.utils.serialization.pickle.loads",
    "django.core.cache.backends.locmem.pickle.loads", "kombu.serialization.pickle_loads",
    "kombu.utils.encoding.pickle.loads", "sympy.sympify", "klepto.archives.file_archive", "pysnooper.loads",
    "anycache.loads", "django.contrib.sessions.serializers.PickleSerializer().loads", "xlrd.loads",
    "statsmodels.api.load", "hickle.load", "pickleshare.PickleShareDB", "srsly.pickle_loads",
    "srsly.cloudpickle.loads",
}) - {"sympy.sympify", "pysnooper.loads", "anycache.loads", "xlrd.loads", "klepto.archives.file_archive"}  # fmt: skip
_YAML = ("yaml.", "ruamel.yaml.", "ruyaml.", "oyaml.", "ruamel_yaml.")
_SAFE_YAML = frozenset(
    {"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader", "RoundTripLoader", "safe_load", "CLoaderSafe"}
)


def _loaded(call: Call) -> None:
    names = call.names & _LOADERS
    if not names or (
        names
        <= {"pickle.Unpickler().load", "_pickle.Unpickler().load", "dill.Unpickler().load", "pickle._Unpickler().load"}
        and _own(call)
    ):
        return
    _refuse(call, call.receiver if "Unpickler()" in min(names) and "load" in call.last else call.arg(0))


# What a cache or a store has under a key: the key is from outside, and what is there is the application's own.
_STORED = re.compile(
    r"(?i)(cache|caches\[\]|redis|store|storage|memcached?|client|kv|bucket)\w*(\(\))?\.(get|hget|get_item|get_object|get_blob|lget|fetch)\(\)"
)


def _refuse(call: Call, value: Value | None, position: int | None = 0) -> None:
    if value is not None and any(_STORED.search(name) for name in value.names):
        return
    if _suspicious(value, position) and not verified(call):
        from_outside(call, value, position, "unpickle", _RULE, _MESSAGE)


def _suspicious(value: Value | None, position: int | None) -> bool:
    """Whether it is worth looking for a check of a signature: there is data from outside, or may be in a file."""
    return bool(harmful(value, "unpickle")) or value is None or bool(value.names) or position is not None


def _own(call: Call) -> bool:
    """An unpickler of the project; the check for them is `_unpickled`."""
    return any(isinstance(one, Instance) for one in call.receiver.things)


def _unpickled(call: Call) -> None:
    """`RestrictedUnpickler(stream).load()`, with a `find_class` of its own."""
    for one in call.receiver.things:
        if not isinstance(one, Instance) or not any("Unpickler" in name for name in one.owner.outside()):
            continue
        if allows_little(call.frame, one.owner):
            continue
        for node in _streams(call):
            value = call.frame.evaluate(node)
            if harmful(value, "unpickle") and not verified(call, node):
                from_outside(call, value, None, "unpickle", _RULE, _MESSAGE)


def _streams(call: Call) -> list[ast.expr]:
    """The first argument of the call that made the unpickler."""
    owner = (
        call.node.func.value if isinstance(call.node, ast.Call) and isinstance(call.node.func, ast.Attribute) else None
    )
    if owner is None:
        return []
    return [one.args[0] for one in lexical.resolved(call.frame, owner, 1) if isinstance(one, ast.Call) and one.args]


def _numpy(call: Call) -> None:
    if any(name.startswith(("numpy.", "np.")) for name in call.names):
        allowed = call.arg(2 if "load" in call.last else 1, "allow_pickle")
        if allowed is not None and any(allowed.some):
            _refuse(call, call.arg(0, "file", "fp"))


def _torch(call: Call) -> None:
    if call.is_a("torch.load", "torch.serialization.load", "lightning.fabric.utilities.cloud_io._load"):
        weights = call.arg(None, "weights_only")
        if (weights is not None and any(one is False for one in weights.some)) or call.arg(
            None, "pickle_module"
        ) is not None:
            _refuse(call, call.arg(0, "f"))
    elif any(name.startswith(("keras.", "tensorflow.")) for name in call.names):
        safe = call.arg(None, "safe_mode")
        if safe is not None and any(one is False for one in safe.some):
            _refuse(call, call.arg(0, "filepath"))
    elif any(name.startswith("skops.io.") for name in call.names):
        trusted = call.arg(None, "trusted")
        if trusted is not None and (
            True in trusted.some or any("get_untrusted_types" in name for name in trusted.names)
        ):
            _refuse(call, call.arg(0, "file", "data"))


def _yaml(call: Call) -> None:
    """PyYAML and ruamel.yaml (pyyaml.org/wiki/PyYAMLDocumentation): without a safe loader, tags make any object."""
    if UNSAFE_YAML in call.receiver.names:
        _refuse(call, call.arg(0, "stream"))
        return
    lasts = {name.rpartition(".")[2] for name in call.names if name.startswith(_YAML) and "YAML()" not in name}
    unsafe = lasts & {"unsafe_load", "unsafe_load_all", "full_load", "full_load_all"}
    if unsafe or (lasts & {"load", "load_all"} and _builds(call.arg(1, "Loader"))):
        _refuse(call, call.arg(0, "stream"))


def _builds(loader: Value | None) -> bool:
    if loader is None:
        return True
    classes = [one for one in loader.things if isinstance(one, Class)]
    outside = loader.names.union(*(one.outside() for one in classes))
    parts = {name.rpartition(".")[2] for name in outside}
    return bool(parts - _SAFE_YAML) if loader.names else bool(classes and parts and not parts & _SAFE_YAML)


def _loader_object(call: Call) -> None:
    """`yaml.Loader(stream).get_data()`, `yaml.UnsafeLoader(text)`."""
    if any(name.startswith(("yaml.", "ruamel.yaml.")) for name in call.names):
        _refuse(call, call.arg(0, "stream"))


def _imported(call: Call) -> None:
    """A class by the name that the data gives, made with what it gives: `getattr(import_module(m), n)(**data)`."""
    if not call.is_a(
        "importlib.import_module",
        "__import__",
        "pydoc.locate",
        "django.utils.module_loading.import_string",
        "werkzeug.utils.import_string",
        "importlib.__import__",
        "pkgutil.resolve_name",
    ):
        return
    scope = lexical.scope_of(call.frame, call.node)
    spread = any(
        isinstance(one, ast.Call) and any(word.arg is None for word in one.keywords) for one in ast.walk(scope)
    )
    if spread or re.search(r"__setstate__|__new__|__dict__|object_hook", ast.unparse(scope)):
        _refuse(call, call.arg(0, "name", "path"), None)


def _received(call: Call) -> None:
    """Objects straight from a connection: `socket.recv_pyobj()` of ZeroMQ, `Listener(...).accept().recv()`."""
    remote = any("zmq" in name for name in call.names) or "recv_pyobj" in call.last
    listener = any(
        re.search(r"multiprocessing\.connection\.(Listener\(\)\.accept|Client)\(\)", name) for name in call.names
    )
    if listener and _keyed(call):
        return
    if remote or listener:
        call.report(
            "python-pickle-for-strangers", "Objects are read from a connection: whoever can connect can run code."
        )


def _keyed(call: Call) -> bool:
    """`Listener(address, authkey=key)`: only those who have the key can connect."""
    return any(isinstance(one, ast.keyword) and one.arg == "authkey" for one in ast.walk(call.frame.module.tree))


def _accepted(call: Call) -> None:
    """msgpack and others with a hook that unpickles, and Celery that accepts pickle."""
    hook = call.arg(None, "ext_hook", "object_hook", "default_hook")
    if hook is not None and hook.names & _LOADERS:
        _refuse(call, call.arg(0, "packed", "s"))
    accept = call.arg(None, "accept")
    if accept is not None and any(
        one in {"pickle", "application/x-python-serialize"} for held in [accept, accept.every()] for one in held.texts
    ):
        _refuse(call, call.arg(0, "data"))


_LASTS = sorted({name.rpartition(".")[2] for name in _LOADERS})
CHECKS: Checks = table(
    (_loaded, _LASTS),
    (_unpickled, ("load",)),
    (_numpy, ("load", "read_array")),
    (_torch, ("load", "load_model", "loads")),
    (_yaml, ("load", "load_all", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all")),
    (_loader_object, ("Loader", "UnsafeLoader", "FullLoader", "CLoader", "CUnsafeLoader")),
    (_imported, ("import_module", "__import__", "locate", "import_string", "resolve_name")),
    (_received, ("recv_pyobj", "recv")),
    (_accepted, ("unpackb", "unpack", "Unpacker", "loads")),
)
