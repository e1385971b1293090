"""Pickles and YAML that do not come out of a request."""

import base64
import hmac
import pickle
from pathlib import Path

import jsonpickle
import requests
import torch
import yaml


def settings(path):
    # ruleid: python-unsafe-yaml-load
    one = yaml.load(path.read_text(), Loader=yaml.Loader)
    # ruleid: python-unsafe-yaml-load
    two = yaml.unsafe_load(path.read_text())
    # ruleid: python-unsafe-yaml-load
    three = yaml.load(path.read_text())
    # ok: python-unsafe-yaml-load
    four = yaml.safe_load(path.read_text())
    # ok: python-unsafe-yaml-load
    five = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    return one, two, three, four, five


def fetch(address, key, signature):
    body = requests.get(address, timeout=5).content
    # ruleid: python-unsafe-unpickling
    one = pickle.loads(body)
    with Path("cache.pickle").open("rb") as cache:
        # ok: python-unsafe-unpickling
        two = pickle.load(cache)
    # ok: python-unsafe-unpickling
    three = pickle.loads(pickle.dumps(two))
    return one, two, three


def token(text):
    # ruleid: python-unsafe-unpickling
    return pickle.loads(base64.urlsafe_b64decode(text))


def signed(text, key, signature):
    body = base64.b64decode(text)
    if not hmac.compare_digest(hmac.digest(key, body, "sha256"), signature):
        raise ValueError("the signature is wrong")
    # ok: python-unsafe-unpickling
    return pickle.loads(body)


# ruleid: python-pickle-for-strangers
DECODERS = {"application/x-python": pickle.loads}
# ok: python-pickle-for-strangers
LOADERS = {"cache": pickle.loads}


def receive(socket, text):
    # ruleid: python-pickle-for-strangers
    one = socket.recv_pyobj()
    # ruleid: python-pickle-for-strangers
    two = jsonpickle.decode(text)
    # ok: python-pickle-for-strangers
    three = socket.recv_json()
    return one, two, three


class Careless(pickle.Unpickler):
    # ruleid: python-pickle-for-strangers
    def find_class(self, module, name):
        if module in {"os", "subprocess"}:
            raise pickle.UnpicklingError(name)
        return super().find_class(module, name)


class Careful(pickle.Unpickler):
    # ok: python-pickle-for-strangers
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(name)


def model(path):
    # ruleid: python-unsafe-model-load
    one = torch.load(path, weights_only=False)
    # ok: python-unsafe-model-load
    two = torch.load(path, weights_only=True)
    return one, two
