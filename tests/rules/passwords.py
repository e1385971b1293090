"""Passwords that are kept, compared or sent as they were typed."""

from flask import Flask, jsonify, request
from werkzeug.security import check_password_hash, generate_password_hash

from shop import body, mail
from shop.models import Account, User, db

app = Flask(__name__)


@app.post("/register")
def register():
    password = request.form["password"]
    # ruleid: python-plaintext-password-storage
    db.session.add(User(email=request.form["email"], password=password))
    fields = body.sent()
    # ruleid: python-plaintext-password-storage
    db.session.add(User(email="", password=body.text(fields, "password", 120)))
    # ok: python-plaintext-password-storage
    db.session.add(User(email="", password=generate_password_hash(password)))
    hashed = generate_password_hash(password)
    # ok: python-plaintext-password-storage
    db.session.add(User(email="", password=hashed))
    # ok: python-plaintext-password-storage
    db.session.add(Account(email="", password_hash=generate_password_hash(password)))
    return jsonify(message="made"), 201


@app.post("/login")
def login():
    email, password = request.json["email"], request.json["password"]
    # ruleid: python-plaintext-password-comparison
    user = User.query.filter_by(email=email, password=password).first()
    # ok: python-plaintext-password-comparison
    user = User.query.filter_by(email=email).first()
    # ruleid: python-plaintext-password-comparison
    if user.password == request.json["password"]:
        return jsonify(message="hello")
    # ok: python-plaintext-password-comparison
    if check_password_hash(user.password_hash, password):
        return jsonify(message="hello")
    # ok: python-plaintext-password-comparison
    if password != request.json["password_again"]:
        return jsonify(message="not the same"), 400
    return jsonify(message="no"), 401


def change(user, new_password):
    # ruleid: python-plaintext-password-storage
    user.password = new_password
    # ok: python-plaintext-password-storage
    user.password = generate_password_hash(new_password)


def connect(client, password):
    # ok: python-plaintext-password-storage
    client.password = password


@app.post("/forgotten")
def forgotten():
    user = User.query.filter_by(email=request.form["email"]).first()
    words = f"Your password is {user.password}"
    # ruleid: python-password-sent
    mail.send(user.email, "Your password", words)
    # ruleid: python-password-sent
    jsonify(email=user.email, password=user.password)
    # ok: python-password-sent
    mail.send(user.email, "A new password", f"Your code is {user.reset_code()}")
    # ok: python-password-sent
    return jsonify(valid=check_password_hash(user.password, request.form["password"]))
