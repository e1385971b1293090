"""Path traversal: data from outside in names of files that are opened, written, listed, moved, deleted, unpacked."""

from __future__ import annotations

import ast

from hardgate.dataflow.families.common import Checks, harmful, refuse, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Value

_RULE = "python-path-traversal"
_MESSAGE = "Data from outside becomes part of a file name: `..` or a leading slash leads out of the folder."
# Functions, and the positions and keywords of their file names.
# https://docs.python.org/3/library/os.html, .../shutil.html, .../io.html, .../tempfile.html
_ONE = ((0, "file", "filename", "path", "name", "path_or_file", "path_or_fd"),)
_TWO = ((0, "src", "path", "filename"), (1, "dst", "extract_dir", "target"))
_SECOND = ((1, "filename", "f", "file"),)
_PANDAS = ((0, "filepath_or_buffer", "path_or_buf", "io", "path", "path_or_buffer", "fname", "file"),)
_Places = tuple[tuple[int | str, ...], ...]
_SINKS: dict[str, _Places] = {
    **dict.fromkeys((
        "open", "io.open", "io.FileIO", "codecs.open", "os.open", "aiofiles.open", "aiofiles.threadpool.open",
        "anyio.open_file", "gzip.open", "gzip.GzipFile", "bz2.open", "bz2.BZ2File", "lzma.open", "lzma.LZMAFile",
        "tarfile.open", "tarfile.TarFile", "tarfile.TarFile.open", "zipfile.ZipFile", "zipfile.PyZipFile",
        "sqlite3.connect", "aiosqlite.connect",
        "shelve.open", "dbm.open", "wave.open", "linecache.getline", "linecache.getlines", "fileinput.input",
        "fileinput.FileInput", "runpy.run_path", "logging.FileHandler", "logging.handlers.RotatingFileHandler",
        "flask.send_file", "quart.send_file", "flask.helpers.send_file", "werkzeug.utils.send_file",
        "starlette.responses.FileResponse",
        "fastapi.responses.FileResponse", "aiohttp.web.FileResponse", "sanic.response.file",
        "sanic.response.file_stream",
        "flask.send_from_directory", "quart.send_from_directory", "flask.helpers.send_from_directory",
        "flask.current_app.open_resource", "flask.current_app.open_instance_resource", "flask.Flask().open_resource",
        "flask.Flask().open_instance_resource", "flask.Blueprint().open_resource", "starlette.staticfiles.StaticFiles",
        "os.remove", "os.unlink", "os.rmdir", "os.removedirs", "os.mkdir", "os.makedirs", "os.listdir", "os.scandir",
        "os.walk", "os.fwalk", "os.chmod", "os.chown", "os.truncate", "os.chdir", "os.utime", "os.mkfifo",
        "os.readlink", "os.startfile",
        "aiofiles.os.remove", "aiofiles.os.unlink", "aiofiles.os.mkdir", "aiofiles.os.makedirs", "aiofiles.os.rmdir",
        "aiofiles.os.listdir", "aiofiles.os.scandir",
        "shutil.rmtree", "glob.glob", "glob.iglob", "PIL.Image.open", "imageio.imread", "imageio.v3.imread",
        "cv2.imread", "cv2.imwrite", "cv2.VideoCapture",
        "numpy.load", "numpy.save", "numpy.savez", "numpy.loadtxt", "numpy.savetxt", "numpy.fromfile",
        "numpy.genfromtxt", "numpy.memmap", "torch.load", "joblib.load",
        "openpyxl.load_workbook", "docx.Document", "pptx.Presentation", "xlrd.open_workbook", "h5py.File",
        "netCDF4.Dataset",
        "pypdf.PdfReader", "PyPDF2.PdfReader", "PyPDF2.PdfFileReader", "pdfplumber.open", "fitz.open", "pymupdf.open",
        "soundfile.read", "librosa.load",
    ), _ONE),
    **dict.fromkeys((
        "os.rename", "os.renames", "os.replace", "os.link", "os.symlink", "shutil.copy", "shutil.copy2",
        "shutil.copyfile",
        "shutil.copytree", "shutil.move", "shutil.copymode", "shutil.copystat", "shutil.make_archive",
        "shutil.unpack_archive",
        "aiofiles.os.rename", "aiofiles.os.replace", "aioshutil.move", "aioshutil.copy", "aioshutil.copyfile",
        "aioshutil.copytree",
    ), _TWO),
    **dict.fromkeys(("torch.save", "joblib.dump", "matplotlib.image.imsave", "urllib.request.urlretrieve",
    "wget.download"), _SECOND),
    **dict.fromkeys((
        "pandas.read_csv", "pandas.read_json", "pandas.read_excel", "pandas.read_table", "pandas.read_parquet",
        "pandas.read_pickle", "pandas.read_html", "pandas.read_xml", "pandas.read_feather", "pandas.read_fwf",
        "pandas.read_hdf", "pandas.ExcelWriter", "pandas.ExcelFile",
        "polars.read_csv", "polars.read_parquet", "polars.scan_csv", "polars.read_json", "matplotlib.pyplot.imread",
        "matplotlib.pyplot.savefig",
    ), _PANDAS),
    **dict.fromkeys(("tempfile.mkstemp", "tempfile.mkdtemp", "tempfile.NamedTemporaryFile", "tempfile.TemporaryFile",
    "tempfile.TemporaryDirectory"),
                    ((99, "suffix"), (99, "prefix"), (99, "dir"))),
}  # fmt: skip
# Methods that only a path has, and those that others have too. https://docs.python.org/3/library/pathlib.html
_OWN_METHODS = frozenset({
    "read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "symlink_to", "hardlink_to", "link_to", "lchmod",
})  # fmt: skip
_METHODS = frozenset({
    "open", "unlink", "rmdir", "touch", "mkdir", "rename", "replace", "chmod", "glob", "rglob", "walk", "copy",
    "copy_into", "move", "move_into",
})  # fmt: skip
_TARGETS = frozenset({"rename", "replace", "symlink_to", "hardlink_to", "copy", "move", "copy_into", "move_into"})
# Streams and bytes are read as they are: no file is looked for.
_STREAMS = (
    ".files[]", ".files.get()", ".files[][]", ".files.getlist()", ".files.getlist()[]", ".FILES[]", ".FILES.get()",
    ".FILES.getlist()[]",
    "UploadFile()", ".file", ".stream", "BytesIO()", "StringIO()", "open()", ".read()", "extractfile()",
    "SpooledTemporaryFile()",
    "b64decode()", ".content", "urlopen()", ".raw", "get_data()", ".data", ".body", "dumps()", ".values()[]",
    ".FILES.values()[]",
)  # fmt: skip


def _file(value: Value | None) -> Value | None:
    """The value, unless it is a stream and not a name."""
    if value is None or value.kind in {"bytes", "number"} or any(name.endswith(_STREAMS) for name in value.names):
        return None
    return value


def _opened(call: Call) -> None:
    for name in call.names:
        for position, *keywords in _SINKS.get(name, ()):
            _refuse(call, call.arg(position if isinstance(position, int) else None, *map(str, keywords)))


def _refuse(call: Call, value: Value | None) -> bool:
    return refuse(call, _file(value), "path", _RULE, _MESSAGE)


def is_path(value: Value) -> bool:
    """Whether the value is an object of `pathlib`."""
    if any("Path()" in name for name in value.names):
        return True
    return value.text is not None and value.kind in {"", "resolved"} and "/" in value.text


def _method(call: Call) -> None:
    """`path.read_text()` and the like: the path is what the method is called on."""
    receiver = call.receiver
    known = is_path(receiver)
    if not call.last & _OWN_METHODS and not known:
        return
    if not _refuse(call, receiver) and known and call.last & _TARGETS:
        _refuse(call, call.arg(0, "target"))


def _saved(call: Call) -> None:
    """`upload.save(path)`, `image.save(path)`: other things are saved too, so it has to look like a path."""
    target = call.arg(0, "dst", "fp", "filename")
    if target is None or len(call.args) > 1 or call.names & {"numpy.save", "torch.save"}:
        return
    if any("torage" in name or "objects" in name for name in call.names) or call.receiver.things:
        return
    upload = any("file" in mark.source for mark in call.receiver.marks) or any(
        name.startswith(("PIL.", "openpyxl.", "docx.", "pptx.", "xlwt.", "qrcode.")) for name in call.receiver.names
    )
    if upload or is_path(target) or (target.text is not None and "/" in target.text):
        _refuse(call, target)


def _packed(call: Call) -> None:
    """Files put into an archive: `archive.write(path)`, `tar.add(path)`."""
    if any(name.startswith(("zipfile.", "tarfile.")) for name in call.names):
        _refuse(call, call.arg(0, "filename", "name"))


_UNPACKED = "An archive from outside is unpacked without a filter: its members' names lead out of the folder."


def _unpacked(call: Call) -> None:
    """`TarFile.extractall` writes where the members' names say, unless a filter is given (PEP 706)."""
    if not any(name.startswith("tarfile.") for name in call.names):
        return
    chosen = call.arg(3 if "extractall" in call.last else 4, "filter")
    if chosen is not None and not chosen.named("tarfile.fully_trusted_filter") and chosen.texts != ("fully_trusted",):
        return
    members = call.arg(1, "members") if "extractall" in call.last else None
    if members is not None and not any("getmembers()" in name for name in members.names):
        return
    if "extractall" in call.last and not _looked_through(call):
        refuse(call, Value(marks=call.receiver.marks), "unpack", _RULE, _UNPACKED)
    elif "extract" in call.last and not harmful(call.arg(1, "path"), "path"):
        refuse(call, call.arg(0, "member"), "path", _RULE, _UNPACKED)
    _refuse(call, call.arg(0, "path") if "extractall" in call.last else call.arg(1, "path"))


def _looked_through(call: Call) -> bool:
    """Whether a loop over the archive's members before the call leaves or raises for some of them."""
    function, node = call.frame.function, call.node
    if function is None or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    archive = ast.unparse(node.func.value)
    for one in ast.walk(function.node):
        if isinstance(one, ast.For) and one.lineno < node.lineno and ast.unparse(one.iter).startswith(archive):
            for inner in ast.walk(one):
                if isinstance(inner, ast.Raise | ast.Return) or (
                    isinstance(inner, ast.Call) and ast.unparse(inner.func).rpartition(".")[2] == "abort"
                ):
                    return True
    return False


CHECKS: Checks = table(
    (_opened, sorted({name.rpartition(".")[2] for name in _SINKS})),
    (_method, sorted(_OWN_METHODS | _METHODS)),
    (_saved, ("save",)),
    (_packed, ("write", "add")),
    (_unpacked, ("extractall", "extract")),
)  # fmt: skip
