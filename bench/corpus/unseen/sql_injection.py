import csv
import enum
import io
import re
import sqlite3
import uuid
from dataclasses import dataclass, field
from typing import Literal

import asyncpg
import pandas as pd
import psycopg2
import psycopg2.extras
import pymysql
from django.contrib.auth.decorators import login_required
from django.db import connection, connections, models
from django.db.models.expressions import RawSQL
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views import View
from fastapi import Depends, FastAPI, Header, HTTPException, Query
from flask import Flask, abort, current_app, g, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from psycopg2 import sql
from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, select, text
from sqlalchemy.orm import Session, sessionmaker

app = Flask(__name__)
api = FastAPI()
db = SQLAlchemy()
engine = create_engine("postgresql+psycopg2:///inventory")
SessionLocal = sessionmaker(bind=engine)
metadata = MetaData()
products = Table("products", metadata, Column("id", Integer), Column("name", String), Column("maker", String))


def get_db():
    if "conn" not in g:
        g.conn = sqlite3.connect(current_app.config["DATABASE"])
        g.conn.row_factory = sqlite3.Row
    return g.conn


def get_session():
    with SessionLocal() as session:
        yield session


class Customer(models.Model):
    name = models.CharField(max_length=120)
    city = models.CharField(max_length=80)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "crm"


# case: sql_injection-101 | good | CWE-89 | placeholder with the path value
@app.route("/books/<isbn>")
def book_detail(isbn):
    row = get_db().execute("SELECT title, author, year FROM books WHERE isbn = ?", (isbn,)).fetchone()
    if row is None:
        abort(404)
    return jsonify(dict(row))


# case: sql_injection-102 | bad | CWE-89 | f-string in execute
@app.route("/members")
def member_lookup():
    email = request.args.get("email", "")
    cur = get_db().cursor()
    cur.execute(f"SELECT id, email, plan FROM members WHERE email = '{email}'")
    return jsonify([dict(r) for r in cur.fetchall()])


# case: sql_injection-103 | bad | CWE-89 | percent formatting in a Django cursor
def customer_search(request):
    term = request.GET.get("q", "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM crm_customer WHERE name LIKE '%%%s%%'" % term)
        rows = cursor.fetchall()
    return JsonResponse({"results": [{"id": r[0], "name": r[1]} for r in rows]})


# case: sql_injection-104 | good | CWE-89 | sort column looked up in a dict
ORDER_COLUMNS = {"newest": "created_at DESC", "oldest": "created_at ASC", "total": "total_cents DESC"}


@app.route("/orders")
def order_list():
    ordering = ORDER_COLUMNS.get(request.args.get("sort", "newest"))
    if ordering is None:
        abort(400)
    rows = get_db().execute(f"SELECT id, total_cents, created_at FROM orders ORDER BY {ordering}")
    return jsonify([dict(r) for r in rows])


# case: sql_injection-105 | bad | CWE-89 | SQLAlchemy text with interpolation
@api.get("/products/by-maker")
def products_by_maker(maker: str, session: Session = Depends(get_session)):
    stmt = text(f"SELECT id, name FROM products WHERE maker = '{maker}' AND discontinued = false")
    return [dict(r) for r in session.execute(stmt).mappings()]


# case: sql_injection-106 | bad | CWE-89 | where parts collected in a list and joined
@app.route("/tickets")
def ticket_report():
    clauses = ["deleted = 0"]
    for name in ("status", "assignee", "queue"):
        value = request.args.get(name)
        if value:
            clauses.append(name + " = '" + value + "'")
    query = "SELECT id, subject, status FROM tickets WHERE " + " AND ".join(clauses)
    query += " ORDER BY id DESC LIMIT 200"
    return jsonify([dict(r) for r in get_db().execute(query)])


# case: sql_injection-107 | good | CWE-89 | ORM filters with request values
def customer_filter(request):
    qs = Customer.objects.all()
    if city := request.GET.get("city"):
        qs = qs.filter(city__iexact=city)
    if name := request.GET.get("name"):
        qs = qs.filter(name__icontains=name)
    return JsonResponse({"customers": list(qs.values("id", "name", "city")[:100])})


# case: sql_injection-108 | good | CWE-89 | where parts with placeholders
@app.route("/shipments")
def shipment_report():
    clauses, values = ["cancelled = 0"], []
    for name in ("carrier", "country", "depot"):
        if name in request.args:
            clauses.append(f"{name} = ?")
            values.append(request.args[name])
    query = "SELECT id, carrier, country FROM shipments WHERE " + " AND ".join(clauses)
    return jsonify([dict(r) for r in get_db().execute(query, values)])


# case: sql_injection-109 | bad | CWE-89 | quotes doubled but the value stands unquoted
@app.route("/invoices/<customer>")
def invoices_of(customer):
    customer = customer.replace("'", "''")
    conn = psycopg2.connect(current_app.config["PG_DSN"])
    with conn, conn.cursor() as cur:
        cur.execute("SELECT number, amount FROM invoices WHERE customer_id = " + customer)
        return jsonify(cur.fetchall())


# case: sql_injection-110 | good | CWE-89 | int path parameter formatted into the text
@api.get("/warehouses/{warehouse_id}/stock")
def warehouse_stock(warehouse_id: int, session: Session = Depends(get_session)):
    stmt = text(f"SELECT sku, quantity FROM stock WHERE warehouse_id = {warehouse_id} ORDER BY sku")
    return [dict(r) for r in session.execute(stmt).mappings()]


# case: sql_injection-111 | bad | CWE-89 | queryset extra where
@login_required
def customers_in_region(request):
    region = request.GET["region"]
    qs = Customer.objects.extra(where=["city IN (SELECT city FROM regions WHERE code = '%s')" % region])
    return JsonResponse({"count": qs.count(), "names": [c.name for c in qs[:50]]})


# case: sql_injection-112 | bad | CWE-89 | repository method with a pydantic field as sort column
class ListingQuery(BaseModel):
    maker: str
    order_by: str = "name"
    limit: int = 50


class ProductRepository:
    def __init__(self, session):
        self.session = session

    def listing(self, query):
        stmt = f"SELECT id, name FROM products WHERE maker = :maker ORDER BY {query.order_by} LIMIT {query.limit}"
        return self.session.execute(text(stmt), {"maker": query.maker}).mappings().all()


@api.post("/products/listing")
def product_listing(query: ListingQuery, session: Session = Depends(get_session)):
    return [dict(r) for r in ProductRepository(session).listing(query)]


# case: sql_injection-113 | good | CWE-89 | generated placeholders for an IN list
@app.route("/photos/batch", methods=["POST"])
def photo_batch():
    ids = request.get_json().get("ids", [])
    if not ids or len(ids) > 500:
        abort(400)
    marks = ",".join("?" * len(ids))
    rows = get_db().execute(f"SELECT id, path, width FROM photos WHERE id IN ({marks})", ids)
    return jsonify([dict(r) for r in rows])


# case: sql_injection-114 | bad | CWE-89 | IN list joined from the body
@app.route("/albums/delete", methods=["POST"])
def album_delete():
    ids = request.get_json()["ids"]
    conn = get_db()
    id_list = ", ".join(str(i) for i in ids)
    conn.execute("DELETE FROM albums WHERE id IN (%s)" % id_list)
    conn.commit()
    return "", 204


# case: sql_injection-115 | good | CWE-89 | psycopg2 composition with identifiers
@app.route("/tables/<table>/count")
def table_count(table):
    if table not in current_app.config["REPORT_TABLES"]:
        abort(404)
    conn = psycopg2.connect(current_app.config["PG_DSN"])
    with conn, conn.cursor() as cur:
        cur.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("report", table)))
        return jsonify(count=cur.fetchone()[0])


# case: sql_injection-116 | good | CWE-89 | RawSQL with params
def customer_scores(request):
    segment = request.GET.get("segment", "retail")
    score = RawSQL("SELECT avg(score) FROM crm_rating r WHERE r.customer_id = crm_customer.id AND r.segment = %s", (segment,))
    rows = Customer.objects.annotate(score=score).values("name", "score")
    return JsonResponse({"rows": list(rows)})


# case: sql_injection-117 | bad | CWE-89 | column names of an UPDATE from the JSON keys
@app.route("/profile", methods=["PATCH"])
def update_profile():
    changes = request.get_json()
    assignments = ", ".join(f"{column} = ?" for column in changes)
    values = list(changes.values()) + [g.user_id]
    conn = get_db()
    conn.execute(f"UPDATE profiles SET {assignments} WHERE user_id = ?", values)
    conn.commit()
    return jsonify(ok=True)


# case: sql_injection-118 | good | CWE-89 | UPDATE columns kept to a set
EDITABLE = frozenset({"display_name", "bio", "timezone"})


@app.route("/settings", methods=["PATCH"])
def update_settings():
    changes = {k: v for k, v in request.get_json().items() if k in EDITABLE}
    if not changes:
        abort(400)
    assignments = ", ".join(f"{column} = ?" for column in changes)
    conn = get_db()
    conn.execute(f"UPDATE settings SET {assignments} WHERE user_id = ?", [*changes.values(), g.user_id])
    conn.commit()
    return jsonify(ok=True)


# case: sql_injection-119 | good | CWE-89 | Literal for column and direction
@api.get("/sensors")
def list_sensors(
    sort: Literal["name", "last_seen", "battery"] = "name",
    direction: Literal["asc", "desc"] = "asc",
    session: Session = Depends(get_session),
):
    result = session.execute(text(f"SELECT id, name, battery FROM sensors ORDER BY {sort} {direction}"))
    return [dict(r) for r in result.mappings()]


# case: sql_injection-120 | bad | CWE-89 | raw manager query by concatenation
class CustomerExport(View):
    columns = ("id", "name", "city")

    def build(self, city):
        return "SELECT id, name, city, created FROM crm_customer WHERE city = '" + city + "'"

    def get(self, request, *args, **kwargs):
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self.columns)
        for c in Customer.objects.raw(self.build(request.GET.get("city", ""))):
            writer.writerow([getattr(c, name) for name in self.columns])
        return HttpResponse(out.getvalue(), content_type="text/csv")


# case: sql_injection-121 | bad | CWE-89 | dependency builds the filter text
def tenant_scope(x_tenant: str = Header(...), status: str = Query("open")):
    return f"tenant = '{x_tenant}' AND status = '{status}'"


@api.get("/jobs")
async def list_jobs(scope: str = Depends(tenant_scope)):
    conn = await asyncpg.connect(database="jobs")
    try:
        rows = await conn.fetch("SELECT id, kind, queued_at FROM jobs WHERE " + scope)
    finally:
        await conn.close()
    return [dict(r) for r in rows]


# case: sql_injection-122 | good | CWE-89 | UUID conversion before formatting
@app.route("/devices/<ref>/events")
def device_events(ref):
    try:
        device = uuid.UUID(ref)
    except ValueError:
        abort(404)
    conn = psycopg2.connect(current_app.config["PG_DSN"])
    with conn, conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cur:
        cur.execute(f"SELECT kind, at FROM events WHERE device_id = '{device}' ORDER BY at")
        return jsonify(cur.fetchall())


# case: sql_injection-123 | bad | CWE-89 | pattern check that is not anchored at the end
@app.route("/sales/<period>")
def sales_by_period(period):
    if not re.match(r"\d{4}-\d{2}", period):
        abort(400)
    conn = pymysql.connect(read_default_file="/etc/shop/my.cnf")
    with conn.cursor() as cur:
        cur.execute("SELECT sku, sum(qty) FROM sales WHERE period = '{}' GROUP BY sku".format(period))
        return jsonify(cur.fetchall())


# case: sql_injection-124 | good | CWE-89 | SQLAlchemy core expression
@api.get("/products/search")
def product_search(q: str = Query(min_length=2), maker: str | None = None, session: Session = Depends(get_session)):
    stmt = select(products.c.id, products.c.name).where(products.c.name.ilike(f"%{q}%"))
    if maker:
        stmt = stmt.where(products.c.maker == maker)
    return [dict(r) for r in session.execute(stmt.limit(50)).mappings()]


# case: sql_injection-125 | bad | CWE-89 | helper that runs finished text
def fetch_all(statement):
    with engine.connect() as conn:
        return [dict(r._mapping) for r in conn.exec_driver_sql(statement)]


def history_statement(user, limit):
    base = "SELECT page, seen_at FROM history WHERE visitor = '%(user)s' ORDER BY seen_at DESC LIMIT %(limit)d"
    return base % {"user": user, "limit": limit}


@app.route("/history")
def browse_history():
    visitor = request.cookies.get("visitor", "anonymous")
    return jsonify(fetch_all(history_statement(visitor, 25)))


# case: sql_injection-126 | good | CWE-89 | enum member selects the column
class GroupField(enum.Enum):
    CITY = "city"
    MONTH = "date_trunc('month', created)"


def customer_groups(request):
    try:
        column = GroupField[request.GET.get("by", "CITY").upper()].value
    except KeyError:
        return HttpResponseBadRequest("unknown grouping")
    with connections["reporting"].cursor() as cursor:
        cursor.execute(f"SELECT {column} AS bucket, count(*) FROM crm_customer GROUP BY 1 ORDER BY 2 DESC")
        return JsonResponse({"groups": cursor.fetchall()})


# case: sql_injection-127 | good | CWE-89 | table names from a module constant
PURGE_TABLES = ("sessions", "password_resets", "login_attempts")


@app.route("/admin/purge", methods=["POST"])
def purge_tables():
    days = request.form.get("days", 30, type=int)
    conn = get_db()
    removed = {}
    for table in PURGE_TABLES:
        cur = conn.execute(f"DELETE FROM {table} WHERE created_at < date('now', ?)", (f"-{days} days",))
        removed[table] = cur.rowcount
    conn.commit()
    return jsonify(removed)


# case: sql_injection-128 | bad | CWE-89 | dataclass renders itself as SQL
@dataclass
class ReportSpec:
    table: str
    filters: dict = field(default_factory=dict)

    def render(self):
        where = " AND ".join(f"{k} = '{v}'" for k, v in self.filters.items()) or "1 = 1"
        return f"SELECT * FROM {self.table} WHERE {where}"


@app.route("/reports/visits")
def visits_report():
    spec = ReportSpec("visits", request.args.to_dict())
    frame = pd.read_sql_query(spec.render(), engine)
    return frame.to_json(orient="records")


# case: sql_injection-129 | bad | CWE-89 | Django order by with a partial denylist
def top_customers(request):
    ordering = request.GET.get("ordering", "revenue")
    if ";" in ordering or "--" in ordering:
        return HttpResponseBadRequest("bad ordering")
    sql_text = (
        "SELECT c.id, c.name, sum(o.total) AS revenue FROM crm_customer c "
        "JOIN crm_order o ON o.customer_id = c.id GROUP BY c.id, c.name ORDER BY {} LIMIT 20"
    ).format(ordering)
    with connection.cursor() as cursor:
        cursor.execute(sql_text)
        return JsonResponse({"rows": cursor.fetchall()})


# case: sql_injection-130 | good | CWE-89 | text with bound names through a helper
def run_named(session, statement, **params):
    return [dict(r) for r in session.execute(text(statement), params).mappings()]


@api.get("/audit")
def audit_entries(actor: str, action: str = "%", session: Session = Depends(get_session)):
    return run_named(
        session,
        "SELECT at, actor, action FROM audit WHERE actor = :actor AND action LIKE :action ORDER BY at DESC LIMIT 100",
        actor=actor,
        action=action,
    )


# case: sql_injection-131 | bad | CWE-89 | Flask-SQLAlchemy session with str.format
@app.route("/teams/<slug>/scores")
def team_scores(slug):
    season = request.args.get("season", "2024")
    stmt = "SELECT round, points FROM scores WHERE team = :slug AND season = {season}".format(season=season)
    rows = db.session.execute(text(stmt), {"slug": slug}).mappings()
    return jsonify([dict(r) for r in rows])


# case: sql_injection-132 | good | CWE-89 | Django cursor with named parameters
def customer_timeline(request, pk):
    kind = request.GET.get("kind", "note")
    query = """
        SELECT id, body, at FROM crm_event
        WHERE customer_id = %(customer)s AND kind = %(kind)s
        ORDER BY at DESC
    """
    with connection.cursor() as cursor:
        cursor.execute(query, {"customer": pk, "kind": kind})
        names = [c[0] for c in cursor.description]
        return JsonResponse({"events": [dict(zip(names, row)) for row in cursor.fetchall()]})
