"""Which distributions may import which, also those that they do not ask for: `fastapi` takes `python-multipart`.

Read by tests/capture_peers.py from the modules of real wheels (each in the release that was newest here), tests and
bundled copies left out; what older releases imported was added by hand. `!`: it brings commands, plug-ins or a .pth
file, so that it may be started or loaded by a name that no file of an application has.
"""

from __future__ import annotations

_ROWS = """
aiodns: pycares
aiohappyeyeballs:
aiohttp: aiodns aiohappyeyeballs aiosignal attrs brotlicffi chardet charset-normalizer frozenlist gunicorn multidict
  propcache pytest typing-extensions yarl
aiomultiprocess:
aiosignal: frozenlist typing-extensions
alembic!: greenlet mako pytest sqlalchemy tomli typing-extensions
aniso8601:
annotated-doc:
annotated-types: typing-extensions
anyio!: exceptiongroup idna outcome pytest sniffio trio typing-extensions
argcomplete!:
arrow: python-dateutil
asgiref:
asteval: numpy
asttokens:
attrs: typing-extensions
authlib: anyio cryptography django flask httpx joserfc pycryptodomex requests sqlalchemy starlette werkzeug
aws-xray-sdk: aiohttp boto3 botocore bottle django flask flask-sqlalchemy httpx mysql-connector-python psycopg
  psycopg2 psycopg2-binary pymongo pymysql requests sqlalchemy urllib3 wrapt
backcall:
bc-jsonpath-ng!: ply
bc-python-hcl2!: lark
bcrypt:
beartype: click numpy setuptools typing-extensions
beautifulsoup4: chardet charset-normalizer html5lib lxml soupsieve typing-extensions
blinker:
boltons:
boolean-py:
boto3: botocore jmespath s3transfer urllib3
botocore: certifi docutils jmespath python-dateutil urllib3
bracex:
cachecontrol!: filelock msgpack msgpack-python redis requests urllib3
cached-property:
cachetools:
celery!: boto3 botocore cached-property click cryptography django docutils eventlet gevent greenlet importlib-metadata
  ipython kombu pygments pymongo pyserial pytest python-dateutil redis requests sqlalchemy
certifi:
cffi!: pycparser setuptools
chardet!:
charset-normalizer!:
check-jsonschema!: click jsonschema orjson referencing regress requests ruamel-yaml
click: typing-extensions
click-option-group: click
cloudpickle: tornado
colorama:
configargparse: pyyaml toml
contextlib2:
cryptography: bcrypt typing-extensions
cvss!:
decorator:
defusedxml: lxml
distlib: pytest
distro!:
django!: asgiref bcrypt colorama docutils ipython jinja2 mysqlclient numpy pillow psycopg psycopg2 psycopg2-binary
  pymongo pytest pyyaml redis regex salt sqlparse
djangorestframework: django markdown pygments python-multipart pyyaml requests schema
dnspython: anyio cryptography idna sniffio trio
docker: paramiko pyyaml requests urllib3
dockerfile-parse:
docutils!: markdown pillow pygments
dpath:
ecdsa: hypothesis pytest six
email-validator!: dnspython idna
exceptiongroup:
execnet: eventlet gevent
executing: asttokens pytest
fastapi!: annotated-doc anyio email-validator httpx itsdangerous jinja2 opentelemetry-exporter-otlp-proto-http orjson
  pydantic pydantic-core python-multipart requests starlette typing-extensions typing-inspection ujson
filelock:
flake8!: pycodestyle pyflakes
flasgger!: click flask flask-restful jsonschema markupsafe marshmallow mistune packaging pyyaml schema setuptools
  simplejson six
flask!: asgiref blinker click cryptography importlib-metadata itsdangerous jinja2 markupsafe python-dotenv simplejson
  typing-extensions werkzeug
flask-cors: flask werkzeug
flask-jwt-extended: flask pyjwt werkzeug
flask-restful: aniso8601 flask pycrypto pycryptodome pytz six werkzeug
flask-sqlalchemy: flask sqlalchemy
fqdn: cached-property
frozenlist:
gitdb: smmap
gitpython: gitdb typing-extensions
greenlet:
gunicorn!: eventlet gevent h2 importlib-metadata packaging tornado
h11: typing-extensions
h2:
html5lib: chardet lxml six webencodings
httpbin: brotlicffi decorator flasgger flask importlib-metadata six werkzeug
httpcore: anyio certifi h11 h2 sniffio trio
httplib2: certifi pyparsing
httpx!: brotlicffi certifi click h2 httpcore idna pygments rich sniffio trio
httpx-sse: httpx
hypothesis!: annotated-types attrs black boolean-py click django gevent lark numpy pandas pytest python-dateutil pytz
  redis rich sortedcontainers typing-extensions tzdata
idna!:
importlib-metadata: zipp
iniconfig:
ipython!: backcall black colorama decorator docutils jedi numpy pexpect pickleshare prompt-toolkit pygments pyparsing
  pytest setuptools stack-data traitlets trio typing-extensions wcwidth
isoduration: arrow
itsdangerous: simplejson typing-extensions
jedi: colorama django flask numpy pandas parso pytest tensorflow typing-extensions
jinja2!: markupsafe typing-extensions
jmespath!:
joblib: cloudpickle numpy pytest tornado
joserfc: cryptography pycrypto pycryptodome
jsonpatch!: jsonpointer
jsonpath-ng!:
jsonpickle: django numpy pandas pyyaml simplejson ujson
jsonpointer!:
jsonschema!: attrs fqdn idna isoduration jsonpointer jsonschema-specifications referencing requests rfc3339-validator
  rfc3986-validator rfc3987-syntax rpds-py schema uri-template webcolors
jsonschema-path: attrs pathable pyyaml referencing requests
jsonschema-specifications: referencing
junit-xml: six
kombu: boto3 botocore brotlicffi cached-property django eventlet gevent msgpack msgpack-python packaging pip protobuf
  psycopg pymongo pyserial pyyaml redis sqlalchemy typing-extensions
lark!: regex rich typing-extensions
lazy-object-proxy:
license-expression: boolean-py
lxml: beautifulsoup4 html5lib
mako!: beaker markupsafe pygments pytest
markdown!: attrs h2 pygments pyyaml
markdown-it-py!: mdurl typing-extensions
markupsafe: typing-extensions
marshmallow:
mccabe!: flake8
mcp!: anyio httpx httpx-sse jsonschema pydantic pydantic-core pydantic-settings pyjwt python-dotenv rich sse-starlette
  starlette trio typer typing-extensions typing-inspection uv uvicorn websockets
mdurl:
mistune!: typing-extensions
mpmath: numpy
msgpack:
msgspec: attrs pyyaml tomli tomli-w typing-extensions
multidict:
mypy-extensions:
oauthlib: blinker pyjwt
openapi-schema-validator: jsonschema jsonschema-specifications pydantic pydantic-settings referencing regress
openapi-spec-validator!: jsonschema jsonschema-path lazy-object-proxy openapi-schema-validator pydantic
  pydantic-settings
opentelemetry-exporter-otlp-proto-common: opentelemetry-proto
opentelemetry-exporter-otlp-proto-http!: opentelemetry-exporter-otlp-proto-common opentelemetry-proto requests
  typing-extensions
opentelemetry-instrumentation-requests!: opentelemetry-util-http requests
opentelemetry-instrumentation-threading!: wrapt
opentelemetry-proto: grpcio protobuf
opentelemetry-util-http: wrapt
orjson:
outcome: attrs typing-extensions
packageurl-python: django sqlalchemy typing-extensions
packaging: pytest typing-extensions
paramiko: bcrypt cryptography pynacl
parso: decorator
pathable:
pathspec: typing-extensions
peewee!: flask gevent mysql-connector-python mysqlclient psycopg psycopg2 psycopg2-binary pymysql
pexpect: ptyprocess
pickleshare:
pillow: defusedxml ipython numpy
pip!: attrs cachecontrol certifi chardet cryptography distlib distro docutils filelock h2 idna ipython numpy packaging
  platformdirs pygments pyopenssl pytest redis requests rich setuptools tomli truststore typing-extensions urllib3
  wheel
platformdirs!: pytest
pluggy:
ply:
prettytable: colorama typing-extensions wcwidth
prompt-toolkit: pygments typing-extensions wcwidth
propcache:
protobuf:
psycopg: dnspython numpy psycopg-binary typing-extensions
psycopg-binary:
psycopg2-binary: psycopg2
ptyprocess:
pure-eval:
pyasn1:
pycares: cffi idna
pycep-parser: lark typing-extensions
pycodestyle!:
pycparser:
pydantic: annotated-types boolean-py email-validator fastapi hypothesis mypy pydantic-core python-dotenv redis rich
  schema toml tomli typing-extensions typing-inspection
pydantic-core: typing-extensions
pydantic-settings: boto3 pydantic pydantic-core python-dotenv pyyaml typing-inspection
pyflakes!:
pygments!: chardet colorama docutils numpy pillow pytest
pyjwt: cryptography ecdsa pycrypto pycryptodome typing-extensions
pymongo: certifi cryptography dnspython numpy pyopenssl requests
pymysql: cryptography pynacl
pynacl:
pyparsing: jinja2
pyrate-limiter: aiohttp filelock httpx psycopg redis requests
pytest!: argcomplete colorama exceptiongroup iniconfig numpy packaging pexpect pluggy pygments pytest-xdist setuptools
  toml tomli twisted typing-extensions
pytest-xdist!: execnet pytest
python-dateutil: tzdata
python-dotenv!: click ipython
python-multipart:
pytokens:
pytz: setuptools
pyyaml:
rdflib!: httpx lxml networkx orjson pyparsing simplejson typing-extensions
redis: cryptography pyjwt pyopenssl requests typing-extensions
referencing: attrs rpds-py typing-extensions
regex:
regress:
requests: certifi chardet cryptography pyasn1 pyopenssl simplejson urllib3
rfc3339-validator: six
rfc3986-validator:
rfc3987-syntax: lark
rich: attrs ipython markdown-it-py pygments typing-extensions
rpds-py:
rsa!: pyasn1
ruamel-yaml: ruamel-yaml-clib setuptools
ruamel-yaml-clib:
s3transfer: botocore
schema: contextlib2
semantic-version: django setuptools
semver!:
sentry-sdk!: aiohttp aiomysql anyio asttokens asyncpg blinker boolean-py boto3 botocore bottle celery certifi django
  djangorestframework eventlet executing fastapi flask gevent gitpython greenlet grpcio h2 httpcore httpx kombu
  langchain markupsafe mcp opentelemetry-exporter-otlp-proto-http pillow protobuf pure-eval pydantic pymongo pyramid
  pyspark python-multipart redis requests sanic setuptools sqlalchemy starlette tornado typer typing-extensions
  urllib3 webob werkzeug
setuptools!: docutils gitpython license-expression packaging pip platformdirs pytest tomli typing-extensions wheel
  zipp
shellingham:
simplejson:
six:
smmap:
sniffio:
sortedcontainers:
soupsieve: beautifulsoup4
sqlalchemy: aiomysql asyncpg black greenlet mypy mysql-connector-python mysqlclient psycopg psycopg2 psycopg2-binary
  py-serializable pymysql pytest schema typing-extensions
sqlparse!:
sse-starlette: anyio exceptiongroup starlette uvicorn
stack-data: asttokens executing pure-eval pygments
starlette: anyio httpx itsdangerous jinja2 python-multipart pyyaml typing-extensions
stevedore!: docutils setuptools
tabulate!: wcwidth
tenacity: sniffio tornado trio typing-extensions
termcolor:
toml: numpy
tomli:
tomli-w:
tomlkit:
tqdm!: colorama ipython keras numpy pandas requests rich tensorflow
traitlets: argcomplete typing-extensions
trio: attrs cffi exceptiongroup idna ipython outcome pyopenssl sniffio sortedcontainers typing-extensions
truststore: requests typing-extensions urllib3
typeguard!: typing-extensions
typer!: annotated-doc click rich shellingham
typing-extensions:
typing-inspect: mypy-extensions typing-extensions
typing-inspection: typing-extensions
tzdata:
ujson:
unidiff!:
univers: attrs packaging semantic-version semver
uri-template:
uritools:
urllib3: brotlicffi certifi cryptography h2 idna pyopenssl typing-extensions
uvicorn!: click gunicorn h11 python-dotenv pyyaml typing-extensions websockets
virtualenv!: distlib filelock packaging pip platformdirs setuptools typing-extensions
wcmatch: bracex
wcwidth:
webcolors:
webencodings:
websockets!: gitpython trio werkzeug
werkzeug: colorama cryptography markupsafe setuptools typing-extensions
wheel!: packaging pytest setuptools
wrapt:
xmltodict:
yarl: idna multidict propcache pydantic pydantic-core
zipp:
"""
_SPLIT = [row.partition(":") for row in _ROWS.replace("\n  ", " ").strip().split("\n")]
PEERS: dict[str, frozenset[str]] = {name.rstrip("!"): frozenset(peers.split()) for name, _, peers in _SPLIT}
"""From a distribution of which all is known to those that it may import, names as PEP 503 writes them."""
STARTED: frozenset[str] = frozenset(name[:-1] for name, _, _ in _SPLIT if name.endswith("!"))
"""Those of them that bring commands, plug-ins or a .pth file."""
