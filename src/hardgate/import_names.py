"""Under which names the modules of a distribution are imported, for those whose names are known for certain.

Nearly all were read from the files that real wheels install (their RECORD), the rest are what the projects' own
documentation says. A distribution that is not here may bring modules of any name.
"""

from __future__ import annotations

# The one module has the name of the distribution, with `_` for `-`.
_USUAL = """
aiodns aiohappyeyeballs aiohttp aiomultiprocess aiomysql aiosignal alembic aniso8601 annotated-doc annotated-types
ansible anyio argcomplete arrow asgiref ast-serialize asteval asyncpg authlib bandit bc-jsonpath-ng bcrypt beaker
beartype bleach blinker boltons boto3 botocore bottle bracex brotlicffi cachecontrol cached-property cachetools cbor2
celery certifi chardet charset-normalizer check-jsonschema checkov cherrypy click click-option-group cloudpickle
cloudsplaining colorama configargparse contextlib2 cryptography cvss decorator defusedxml detect-secrets django docker
dockerfile-parse dparse dpath ecdsa eventlet exceptiongroup execnet face fastapi feedparser filelock flake8 flasgger
flask flask-cors flask-jwt-extended flask-restful flask-sqlalchemy flawfinder fqdn frozenlist gevent gitdb glom gradio
greenlet gunicorn h11 h2 html5lib httpbin httpcore httpx httpx-sse idna importlib-metadata iniconfig isoduration
itsdangerous jinja2 jmespath joblib joserfc jsonpointer jsonschema jsonschema-path jsonschema-specifications junit-xml
jupyter-server jwcrypto keras kombu langchain lark lazy-object-proxy license-expression lxml mako markdown markdown2
markupsafe marshmallow mccabe mcp mdurl mechanize mercurial mistune mlflow motor mpmath msgpack msgspec multidict
mypy-extensions nbconvert networkx nltk notebook numpy oauthlib openapi-schema-validator openapi-spec-validator orjson
packaging pandas paramiko passlib pathable pathspec pip pip-api pip-audit platformdirs playwright pluggy ply
policy-sentry prettytable propcache psycopg psycopg-binary psycopg2 pyarrow pyasn1 pyasn1-modules pycares pycodestyle
pycparser pydantic pydantic-core pydantic-settings pyflakes pygments pymongo pymysql pyparsing pyramid pyspark
pytokens pytorch-lightning pytz rdflib redis referencing regex regress requests requests-oauthlib requests-toolbelt
rfc3339-validator rfc3986-validator rfc3987-syntax rich rsa ruff rustworkx s3transfer safety safety-schemas salt sanic
schema scipy scrapy semantic-version semver sentry-sdk shellingham simplejson six smmap sortedcontainers soupsieve
sqlalchemy sqlparse sse-starlette starlette stevedore streamlit suds tabulate tenacity tensorflow termcolor tomli
tomli-w tomlkit torch tornado tqdm transformers truststore twisted typer typing-extensions typing-inspection tzdata
ujson unidiff univers uri-template uritools urllib3 uv uvicorn wagtail waitress wcmatch wcwidth webcolors webob
websockets werkzeug wrapt xmltodict yarl zipp
asttokens aws-xray-sdk backcall distlib distro docutils email-validator executing httplib2 jedi jsonpath-ng jsonpickle
outcome parso pexpect pickleshare prompt-toolkit ptyprocess pure-eval pyrate-limiter sniffio stack-data toml traitlets
trio typeguard typing-inspect virtualenv webencodings wheel
"""
_OTHERS = {
    "apache-airflow": "airflow", "attrs": "attr attrs", "bc-detect-secrets": "detect_secrets",
    "bc-python-hcl2": "hcl2", "beautifulsoup4": "bs4", "black": "_black_version black blackd blib2to3",
    "boolean-py": "boolean", "cffi": "_cffi_backend cffi", "cfn-lint": "cfnlint",
    "cordon-scanner": "cordon_sandbox cordon_scanner", "cyclonedx-bom": "cyclonedx_py",
    "cyclonedx-python-lib": "cyclonedx", "django-allauth": "allauth", "django-cors-headers": "corsheaders",
    "djangorestframework": "rest_framework", "dnspython": "dns", "flask-security-too": "flask_security",
    "gitpython": "git", "grpcio": "grpc",
    "hypothesis": "_hypothesis_ftz_detector _hypothesis_globals _hypothesis_pytestplugin hypothesis",
    "ipython": "IPython", "jsonpatch": "jsonpatch jsonpatch_cli", "jupyter-core": "jupyter_core jupyter",
    "markdown-it-py": "markdown_it", "msgpack-python": "msgpack", "mypy": "mypy mypyc",
    "mysql-connector-python": "mysql.connector _mysql_connector", "mysqlclient": "MySQLdb", "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "opentelemetry-exporter-otlp-proto-common": "opentelemetry.exporter.otlp.proto.common",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry-instrumentation-requests": "opentelemetry.instrumentation.requests",
    "opentelemetry-instrumentation-threading": "opentelemetry.instrumentation.threading",
    "opentelemetry-proto": "opentelemetry.proto", "opentelemetry-util-http": "opentelemetry.util.http",
    "packageurl-python": "packageurl", "peewee": "peewee playhouse pwiz", "pillow": "PIL",
    "pip-requirements-parser": "packaging_legacy_version pip_requirements_parser",
    "protobuf": "google.protobuf google._upb", "psycopg2-binary": "psycopg2",
    "py-serializable": "py_serializable serializable", "pycep-parser": "pycep", "pycrypto": "Crypto",
    "pycryptodome": "Crypto", "pycryptodomex": "Cryptodome", "pyjwt": "jwt", "pynacl": "nacl", "pyopenssl": "OpenSSL",
    "pysaml2": "saml2 saml2test utility", "pyserial": "serial", "pytest": "_pytest py pytest",
    "pytest-xdist": "xdist", "python-dateutil": "dateutil", "python-dotenv": "dotenv", "python-engineio": "engineio",
    "python-jose": "jose", "python-ldap": "ldap _ldap ldif ldapurl slapdtest",
    "python-multipart": "multipart python_multipart", "python-socketio": "socketio", "pyyaml": "yaml _yaml",
    "rpds-py": "rpds", "ruamel-yaml": "ruamel.yaml", "ruamel-yaml-clib": "_ruamel_yaml", "scikit-image": "skimage",
    "scikit-learn": "sklearn", "semgrep": "semdep semgrep", "setuptools": "setuptools pkg_resources _distutils_hack",
    "spdx-tools": "spdx_tools.common spdx_tools.spdx spdx_tools.spdx3", "sympy": "isympy sympy",
}  # fmt: skip
NAMES: dict[str, tuple[str, ...]] = {
    **{name: (name.replace("-", "_"),) for name in _USUAL.split()},
    **{name: tuple(words.split()) for name, words in _OTHERS.items()},
}
"""From a distribution, as PEP 503 writes its name, to the names of its modules, dotted where others share the first."""
