"""Labelled cases: SQL built in Flask, Django and FastAPI code (tuned half)."""

import sqlite3
from typing import Annotated

import psycopg2
from django.db import connection
from django.http import HttpResponseNotFound, JsonResponse
from fastapi import Depends, FastAPI, Query
from flask import Flask, abort, g, jsonify, request
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from shop.models import Customer, Invoice

app = Flask(__name__)
api = FastAPI()
engine = create_engine("postgresql://shop@db/shop")


def get_db():
    if "db" not in g:
        g.db = sqlite3.connect("shop.db")
        g.db.row_factory = sqlite3.Row
    return g.db


def get_session():
    with Session(engine) as session:
        yield session


# case: sql_injection-01 | bad | CWE-89 | Flask query argument in an f-string, executed at once
@app.route("/products")
def list_products():
    category = request.args.get("category", "all")
    rows = get_db().execute(f"SELECT id, name, price FROM products WHERE category = '{category}'").fetchall()
    return jsonify([dict(row) for row in rows])


# case: sql_injection-02 | good | CWE-89 | Flask query argument as a qmark parameter
@app.route("/products/by-brand")
def products_by_brand():
    brand = request.args.get("brand", "")
    rows = get_db().execute("SELECT id, name, price FROM products WHERE brand = ?", (brand,)).fetchall()
    return jsonify([dict(row) for row in rows])


# case: sql_injection-03 | bad | CWE-89 | Flask login, percent formatting of two form fields into a local variable
@app.route("/login", methods=["POST"])
def login():
    username = request.form["username"]
    token_hash = request.form["token_hash"]
    query = "SELECT id, role FROM users WHERE username = '%s' AND token_hash = '%s'" % (username, token_hash)
    cursor = get_db().cursor()
    cursor.execute(query)
    user = cursor.fetchone()
    if user is None:
        abort(401)
    return jsonify(id=user["id"], role=user["role"])


# case: sql_injection-04 | good | CWE-89 | Flask JSON body as named parameters
@app.route("/accounts/lookup", methods=["POST"])
def account_lookup():
    body = request.get_json()
    params = {"email": body["email"], "country": body.get("country", "GB")}
    sql = "SELECT id, email FROM accounts WHERE email = :email AND country = :country"
    row = get_db().execute(sql, params).fetchone()
    if row is None:
        abort(404)
    return jsonify(dict(row))


# case: sql_injection-05 | bad | CWE-89 | Flask JSON field by str.format into an UPDATE
@app.route("/profile", methods=["PATCH"])
def update_profile():
    payload = request.get_json(force=True)
    statement = "UPDATE profiles SET bio = '{}' WHERE user_id = {}".format(payload["bio"], g.user_id)
    db = get_db()
    db.execute(statement)
    db.commit()
    return "", 204


# case: sql_injection-06 | good | CWE-89 | Flask number converted by int() before it is formatted
@app.route("/orders/recent")
def recent_orders():
    try:
        limit = int(request.args.get("limit", "20"))
    except ValueError:
        abort(400)
    rows = get_db().execute(f"SELECT id, total FROM orders ORDER BY created DESC LIMIT {limit}").fetchall()
    return jsonify([dict(row) for row in rows])


# case: sql_injection-07 | bad | CWE-89 | Flask header handed to a helper that concatenates
def devices_where(column, value):
    sql = "SELECT * FROM devices WHERE " + column + " = '" + value + "'"
    return get_db().execute(sql).fetchall()


@app.route("/devices/current")
def current_device():
    serial = request.headers.get("X-Device-Serial", "")
    return jsonify([dict(row) for row in devices_where("serial", serial)])


# case: sql_injection-08 | good | CWE-89 | Flask sort column looked up in a dict of known columns
SORT_COLUMNS = {"name": "name", "price": "price_cents", "newest": "created_at DESC"}


@app.route("/catalogue")
def catalogue():
    order = SORT_COLUMNS.get(request.args.get("sort"), "name")
    rows = get_db().execute("SELECT id, name FROM products ORDER BY " + order).fetchall()
    return jsonify([dict(row) for row in rows])


# case: sql_injection-09 | bad | CWE-89 | Django GET value in an f-string on a raw cursor
def customer_search(request):
    term = request.GET.get("q", "")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, name FROM customers WHERE name LIKE '%{term}%'")
        rows = cursor.fetchall()
    return JsonResponse({"results": rows})


# case: sql_injection-10 | good | CWE-89 | Django GET value as a cursor parameter
def supplier_search(request):
    term = request.GET.get("q", "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM suppliers WHERE name LIKE %s", [f"%{term}%"])
        rows = cursor.fetchall()
    return JsonResponse({"results": rows})


# case: sql_injection-11 | bad | CWE-89 | Django Manager.raw with the string already formatted
def customers_in_city(request):
    city = request.POST["city"]
    sql = "SELECT * FROM shop_customer WHERE city = '%s' ORDER BY name" % city
    found = Customer.objects.raw(sql)
    return JsonResponse({"customers": [customer.name for customer in found]})


# case: sql_injection-12 | good | CWE-89 | Django ORM filter and order_by
def invoices_for(request):
    number = request.GET.get("number", "")
    found = Invoice.objects.filter(number__icontains=number).order_by("-issued")[:50]
    return JsonResponse({"invoices": [{"number": item.number, "total": item.total} for item in found]})


# case: sql_injection-13 | bad | CWE-89 | FastAPI string path parameter inside text()
@api.get("/warehouses/{code}/stock")
async def warehouse_stock(code: str, session: Annotated[Session, Depends(get_session)]):
    stmt = text(f"SELECT sku, quantity FROM stock WHERE warehouse = '{code}'")
    return [dict(row) for row in session.execute(stmt).mappings()]


# case: sql_injection-14 | good | CWE-89 | FastAPI string path parameter bound in text()
@api.get("/warehouses/{code}/bins")
async def warehouse_bins(code: str, session: Annotated[Session, Depends(get_session)]):
    stmt = text("SELECT bin, sku FROM bins WHERE warehouse = :code")
    return [dict(row) for row in session.execute(stmt, {"code": code}).mappings()]


# case: sql_injection-15 | bad | CWE-89 | FastAPI pydantic body, conditions gathered in a loop and joined
class TicketFilter(BaseModel):
    status: str | None = None
    assignee: str | None = None


@api.post("/tickets/search")
def search_tickets(body: TicketFilter):
    clauses = []
    for field, value in body.model_dump(exclude_none=True).items():
        clauses.append(f"{field} = '{value}'")
    where = " AND ".join(clauses) or "TRUE"
    with psycopg2.connect("dbname=support") as conn, conn.cursor() as cur:
        cur.execute("SELECT id, title FROM tickets WHERE " + where)
        return cur.fetchall()


# case: sql_injection-16 | good | CWE-89 | FastAPI typed int path parameter in an f-string
@api.get("/tickets/{ticket_id}")
def read_ticket(ticket_id: int):
    with psycopg2.connect("dbname=support") as conn, conn.cursor() as cur:
        cur.execute(f"SELECT id, title FROM tickets WHERE id = {ticket_id}")
        return cur.fetchone()


# case: sql_injection-17 | bad | CWE-89 | Flask cookie kept in an attribute and used by a method
class CartRepository:
    def __init__(self, db, cart_id):
        self.db = db
        self.cart_id = cart_id

    def lines(self):
        return self.db.execute("SELECT sku, qty FROM cart_lines WHERE cart = '" + self.cart_id + "'").fetchall()


@app.route("/cart")
def show_cart():
    repository = CartRepository(get_db(), request.cookies.get("cart_id", ""))
    return jsonify([dict(line) for line in repository.lines()])


# case: sql_injection-18 | good | CWE-89 | Flask IN list with generated placeholders
@app.route("/prices")
def prices():
    skus = request.args.getlist("sku")
    if not skus:
        return jsonify([])
    marks = ", ".join("?" for _ in skus)
    rows = get_db().execute(f"SELECT sku, price FROM prices WHERE sku IN ({marks})", skus).fetchall()
    return jsonify([dict(row) for row in rows])


# case: sql_injection-19 | bad | CWE-89 | Flask quotes doubled, but the value stands in a numeric context
@app.route("/reviews")
def reviews():
    product = request.args["product"].replace("'", "''")
    rows = get_db().execute(f"SELECT author, body FROM reviews WHERE product_id = {product}").fetchall()
    return jsonify([dict(row) for row in rows])


# case: sql_injection-20 | good | CWE-89 | Flask table name from configuration, value as a parameter
@app.route("/audit")
def audit_entries():
    table = app.config["AUDIT_TABLE"]
    actor = request.args.get("actor", "")
    rows = get_db().execute(f"SELECT at, action FROM {table} WHERE actor = ?", (actor,)).fetchall()
    return jsonify([dict(row) for row in rows])


# case: sql_injection-21 | bad | CWE-89 | Django ORDER BY with a blacklist of the semicolon
def shipment_list(request):
    column = request.GET.get("order", "id")
    if ";" in column:
        return HttpResponseNotFound()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, carrier FROM shipments ORDER BY {0}".format(column))
        return JsonResponse({"shipments": cursor.fetchall()})


# case: sql_injection-22 | good | CWE-89 | FastAPI value outside the allowed set is replaced before use
@api.get("/reports/summary")
def report_summary(group: Annotated[str, Query()] = "month"):
    if group not in {"day", "week", "month"}:
        group = "month"
    with psycopg2.connect("dbname=reports") as conn, conn.cursor() as cur:
        cur.execute(f"SELECT date_trunc('{group}', sold_at) AS period, sum(total) FROM sales GROUP BY period")
        return cur.fetchall()
