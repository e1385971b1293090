"""SQL built from request data, and the ways that keep data and statement apart."""

import sqlite3
import uuid

import pandas
import sqlalchemy
from django.db import connection
from flask import Blueprint, Flask, abort, g, jsonify, request
from psycopg2 import sql
from sqlalchemy import and_, insert, or_, select, text, update

from shop.models import Item, User, db
from shop.queries import is_valid_name, run

app = Flask(__name__)
shop = Blueprint("shop", __name__)
SORTABLE = {"name": "name", "price": "price"}
STATES = ("open", "closed")
SEEN = {}


@app.route("/args")
def every_way_to_build():
    name = request.args.get("name")
    cursor = sqlite3.connect("shop.db").cursor()
    # ruleid: python-sql-injection
    cursor.execute("SELECT * FROM items WHERE name = '" + name + "'")
    # ruleid: python-sql-injection
    cursor.execute("SELECT * FROM items WHERE name = '%s'" % name)
    # ruleid: python-sql-injection
    cursor.execute("SELECT * FROM items WHERE name = '{}'".format(name))
    # ruleid: python-sql-injection
    cursor.execute(f"SELECT * FROM items WHERE name = '{name}'")
    # ruleid: python-sql-injection
    cursor.executescript(f"DELETE FROM items WHERE name = '{name.strip()}'")
    query = "SELECT * FROM items"
    query += " WHERE name = '" + name + "'"
    # ruleid: python-sql-injection
    rows = cursor.execute(query).fetchall()
    parts = ["SELECT * FROM items WHERE name =", name]
    # ruleid: python-sql-injection
    cursor.execute(" ".join(parts))
    # ok: python-sql-injection
    cursor.execute("SELECT * FROM items WHERE name = ?", (name,))
    # ok: python-sql-injection
    cursor.execute("SELECT * FROM items WHERE name = %(name)s", {"name": name})
    # ok: python-sql-injection
    cursor.executemany("INSERT INTO items VALUES (?)", [(name,)])
    return jsonify(rows)


@app.post("/sources")
def every_source():
    db_cursor = g.db.cursor()
    # ruleid: python-sql-injection
    db_cursor.execute("SELECT * FROM t WHERE a = '" + request.form["a"] + "'")
    # ruleid: python-sql-injection
    db_cursor.execute("SELECT * FROM t WHERE a = '" + request.values.get("a", "") + "'")
    # ruleid: python-sql-injection
    db_cursor.execute("SELECT * FROM t WHERE a = '" + request.json["a"] + "'")
    # ruleid: python-sql-injection
    db_cursor.execute("SELECT * FROM t WHERE a = '" + request.get_json()["a"] + "'")
    # ruleid: python-sql-injection
    db_cursor.execute("SELECT * FROM t WHERE a = '" + request.headers.get("X-A") + "'")
    # ruleid: python-sql-injection
    db_cursor.execute("SELECT * FROM t WHERE a = '" + request.cookies["a"] + "'")
    # ruleid: python-sql-injection
    db_cursor.execute(b"SELECT * FROM t WHERE a = " + request.data)
    # ruleid: python-sql-injection
    db_cursor.execute("SELECT * FROM t WHERE a = '" + request.files["a"].filename + "'")
    sent = request.get_json(silent=True) if request.is_json else request.form
    fields = sent if isinstance(sent, dict) else {}
    # ruleid: python-sql-injection
    db.session.execute(text(f"SELECT * FROM t WHERE a = '{fields.get('a')}'"))
    # ok: python-sql-injection
    db_cursor.execute("SELECT * FROM t WHERE a = %s", (request.form["a"],))


@shop.get("/item/<string:name>")
def path_text(name: str):
    # ruleid: python-sql-injection
    return run("SELECT * FROM items WHERE name = '%s'" % name)


@shop.route("/item/<int:number>", methods=["GET"])
def path_number(number):
    # ok: python-sql-injection
    return db.session.execute(text(f"SELECT * FROM items WHERE id = {number}"))


@shop.route("/item/<int:item_id>/<name>")
def path_both(item_id, name):
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items WHERE id = {item_id}"))
    # ruleid: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items WHERE name = '{name}'"))


@app.get("/typed")
def typed(name: str, count: int, ratio: float = 1.0):
    # ruleid: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items WHERE name = '{name}'"))
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items LIMIT {count}"))
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items WHERE ratio < {ratio}"))


@app.route("/orm")
def builders():
    name = request.args["name"]
    # ok: python-sql-injection
    db.session.scalar(select(User).filter_by(name=name))
    # ok: python-sql-injection
    db.session.execute(select(User).where(User.name == name))
    statement = select(User).where(or_(User.name == name, User.nick.in_([name])))
    # ok: python-sql-injection
    db.session.execute(statement)
    # ok: python-sql-injection
    db.session.execute(select(User).where(and_(User.name.ilike(f"%{name}%"), User.age > 3)).limit(5))
    # ok: python-sql-injection
    db.session.execute(insert(User).values(name=name))
    # ok: python-sql-injection
    db.session.execute(update(User).where(User.id == 1).values({"name": name}))
    bound = text("SELECT * FROM users WHERE name = :name").bindparams(name=name)
    # ok: python-sql-injection
    db.session.execute(bound)
    # ok: python-sql-injection
    db.session.execute(text("SELECT * FROM users WHERE name = :name"), {"name": name})
    # ok: python-sql-injection
    db.session.execute(select(User).order_by(getattr(User, name)))
    # ruleid: python-sql-injection
    User.query.filter(text(f"name = '{name}'")).first()
    # ruleid: python-sql-injection
    User.query.order_by(text(name)).all()
    # ruleid: python-sql-injection
    db.session.execute(select(User).where(text("name = '" + name + "'")))
    made = sqlalchemy.text("SELECT * FROM users WHERE name = '" + name + "'")
    # ruleid: python-sql-injection
    db.session.execute(made)
    # ruleid: python-sql-injection
    pandas.read_sql_query(f"SELECT * FROM users WHERE name = '{name}'", db.engine)


@app.route("/checked")
def checks():
    sort = request.args.get("sort", "name")
    # ruleid: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items ORDER BY {sort}"))
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items ORDER BY {SORTABLE[sort]}"))
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items ORDER BY {SORTABLE.get(sort, 'name')}"))
    column = sort if sort in SORTABLE else "name"
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items ORDER BY {column}"))
    if sort not in SORTABLE:
        abort(400)
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items ORDER BY {sort}"))


@app.route("/default")
def falls_back():
    state = request.args.get("state")
    if state not in STATES:
        state = "open"
    # ok: python-sql-injection
    return db.session.execute(text(f"SELECT * FROM items WHERE state = '{state}'"))


@app.route("/inside")
def only_where_it_held():
    state = request.args.get("state")
    if state in STATES:
        # ok: python-sql-injection
        return db.session.execute(text(f"SELECT * FROM items WHERE state = '{state}'"))
    else:
        # ruleid: python-sql-injection
        return db.session.execute(text(f"SELECT * FROM items WHERE state = '{state}'"))


@app.route("/named")
def named_check():
    name = request.args.get("name")
    if not name or not is_valid_name(name):
        return "bad name", 400
    # ok: python-sql-injection
    return run(f"SELECT * FROM items WHERE name = '{name}'")


@app.route("/seen")
def a_cache_is_no_check():
    name = request.args.get("name")
    if name not in SEEN:
        # ruleid: python-sql-injection
        SEEN[name] = db.session.execute(text(f"SELECT * FROM items WHERE name = '{name}'"))
    return jsonify(SEEN[name])


@app.route("/numbers")
def conversions():
    page = int(request.args.get("page", "1"))
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items OFFSET {page * 20}"))
    size = request.args.get("size", 20, type=int)
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items LIMIT {size}"))
    key = uuid.UUID(request.args["key"])
    # ok: python-sql-injection
    db.session.execute(text(f"SELECT * FROM items WHERE key = '{key}'"))
    table = sql.Identifier(request.args["table"])
    # ok: python-sql-injection
    connection.cursor().execute(sql.SQL("SELECT * FROM {}").format(table))


def django_view(request):
    name = request.GET["name"]
    with connection.cursor() as cursor:
        # ruleid: python-sql-injection
        cursor.execute("SELECT * FROM items WHERE name = '%s'" % request.POST.get("name"))
        # ok: python-sql-injection
        cursor.execute("SELECT * FROM items WHERE name = %s", [name])
    # ruleid: python-sql-injection
    Item.objects.raw("SELECT * FROM items WHERE name = '%s'" % name)
    # ok: python-sql-injection
    return Item.objects.filter(name=name)


def not_a_request(table):
    # ok: python-sql-injection
    return db.session.execute(text(f"SELECT count(*) FROM {table}"))


@app.route("/said")
def words_that_only_look_like_sql():
    # ok: python-sql-injection
    return jsonify(message=f"Select a colour for {request.args['name']}")
