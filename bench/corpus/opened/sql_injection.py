"""Labelled cases: SQL built in Flask, Django and FastAPI code (opened part)."""

import re
import uuid
from functools import wraps
from string import Template
from typing import Annotated, Literal

import aiosqlite
import asyncpg
import pandas as pd
import psycopg2
import pymysql
from django.db.models.expressions import RawSQL
from django.http import JsonResponse
from django.views import View
from fastapi import APIRouter, Body, Depends, Request
from flask import Blueprint, Flask, current_app, g, jsonify, request
from flask.views import MethodView
from flask_sqlalchemy import SQLAlchemy
from psycopg2 import sql
from sqlalchemy import text

from library.models import Book, Loan

app = Flask(__name__)
bp = Blueprint("library", __name__)
router = APIRouter()
db = SQLAlchemy(app)


class Member(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80))
    branch = db.Column(db.String(40))


def mysql():
    return pymysql.connect(host="db", user="library", database="library", cursorclass=pymysql.cursors.DictCursor)


async def pool(req: Request) -> asyncpg.Pool:
    return req.app.state.pool


# case: sql_injection-23 | bad | CWE-89 | Flask MethodView, WHERE grown by += and run through pymysql
class LoanSearch(MethodView):
    def get(self):
        q = "SELECT id, due FROM loans WHERE 1 = 1"
        if "member" in request.args:
            q += " AND member_no = '" + request.args["member"] + "'"
        if overdue := request.args.get("overdue_since"):
            q += f" AND due < '{overdue}'"
        with mysql() as conn, conn.cursor() as cur:
            cur.execute(q)
            return jsonify(cur.fetchall())


# case: sql_injection-24 | good | CWE-89 | Flask MethodView, WHERE grown by += of fixed text, values in a list
class FineSearch(MethodView):
    def get(self):
        q, values = "SELECT id, amount FROM fines WHERE 1 = 1", []
        if "member" in request.args:
            q += " AND member_no = %s"
            values.append(request.args["member"])
        if since := request.args.get("since"):
            q += " AND raised >= %s"
            values.append(since)
        with mysql() as conn, conn.cursor() as cur:
            cur.execute(q, values)
            return jsonify(cur.fetchall())


# case: sql_injection-25 | bad | CWE-89 | Flask-SQLAlchemy, text() fragment inside filter()
@bp.get("/members")
def members():
    wanted = request.args.get("name", type=str, default="")
    found = Member.query.filter(text("name LIKE '%s%%'" % wanted)).limit(50).all()
    return jsonify([{"id": m.id, "name": m.name} for m in found])


# case: sql_injection-26 | good | CWE-89 | Flask-SQLAlchemy, column operator with a formatted pattern
@bp.get("/members/in-branch")
def members_in_branch():
    branch = request.args.get("branch", default="")
    found = db.session.execute(db.select(Member).where(Member.branch.ilike(f"%{branch}%"))).scalars()
    return jsonify([{"id": m.id, "name": m.name} for m in found])


# case: sql_injection-27 | bad | CWE-89 | Django class-based view, QuerySet.extra with a formatted where
class ShelfView(View):
    def get(self, request, *args, **kwargs):
        shelf = request.GET.get("shelf", "A1")
        books = Book.objects.extra(where=["UPPER(shelf) = UPPER('" + shelf + "')"])
        return JsonResponse({"books": list(books.values("title"))})


# case: sql_injection-28 | good | CWE-89 | Django class-based view, RawSQL with params
class PopularView(View):
    def get(self, request, *args, **kwargs):
        since = request.GET.get("since", "2024-01-01")
        inner = "SELECT count(*) FROM library_loan l WHERE l.book_id = library_book.id AND l.taken > %s"
        counted = RawSQL(inner, (since,))
        books = Book.objects.annotate(taken=counted).order_by("-taken")[:10]
        return JsonResponse({"books": list(books.values("title", "taken"))})


# case: sql_injection-29 | bad | CWE-89 | FastAPI asyncpg fetch inside try, rest of the path as the value
@router.get("/classmarks/{mark:path}")
async def by_classmark(mark: str, db_pool: Annotated[asyncpg.Pool, Depends(pool)]):
    try:
        async with db_pool.acquire() as conn:
            records = await conn.fetch("SELECT title FROM books WHERE classmark = '" + mark + "'")
    except asyncpg.PostgresError:
        return {"titles": []}
    return {"titles": [r["title"] for r in records]}


# case: sql_injection-30 | good | CWE-89 | FastAPI asyncpg fetchrow with a numbered parameter
@router.get("/isbn/{isbn}")
async def by_isbn(isbn: str, db_pool: Annotated[asyncpg.Pool, Depends(pool)]):
    async with db_pool.acquire() as conn:
        record = await conn.fetchrow("SELECT title, year FROM books WHERE isbn = $1", isbn)
    return dict(record) if record else {}


# case: sql_injection-31 | bad | CWE-89 | Flask decorator passes the argument on, string.Template builds the query
COUNT = Template("SELECT count(*) AS n FROM visits WHERE branch = '$branch'")


def with_branch(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        return view(request.args.get("branch", "main"), *args, **kwargs)

    return wrapper


@bp.get("/visits")
@with_branch
def visits(branch):
    with mysql() as conn, conn.cursor() as cur:
        cur.execute(COUNT.substitute(branch=branch))
        return jsonify(cur.fetchone())


# case: sql_injection-32 | good | CWE-89 | Flask, psycopg2.sql.Identifier quotes the name
@bp.get("/export/<column>")
def export_column(column):
    query = sql.SQL("SELECT {col} FROM public_catalogue ORDER BY {col} LIMIT 100").format(col=sql.Identifier(column))
    with psycopg2.connect(current_app.config["DSN"]) as conn, conn.cursor() as cur:
        cur.execute(query)
        return jsonify([row[0] for row in cur])


# case: sql_injection-33 | bad | CWE-89 | Flask, uploaded file names in an INSERT joined from formatted rows
@bp.post("/covers")
def add_covers():
    values = ",".join("('%s', %d)" % (f.filename, f.content_length) for f in request.files.getlist("cover"))
    conn = mysql()
    with conn.cursor() as cur:
        cur.execute("INSERT INTO covers (name, bytes) VALUES " + values)
    conn.commit()
    return "", 201


# case: sql_injection-34 | good | CWE-89 | Flask, match statement gives the column
@bp.get("/loans/sorted")
def sorted_loans():
    match request.args.get("by"):
        case "member":
            column = "member_no"
        case "due":
            column = "due"
        case _:
            column = "id"
    with mysql() as conn, conn.cursor() as cur:
        cur.execute(f"SELECT id, member_no, due FROM loans ORDER BY {column}")
        return jsonify(cur.fetchall())


# case: sql_injection-35 | bad | CWE-89 | Django, only the first of several ids is checked
def renew(request):
    ids = request.POST.getlist("loan")
    if not ids or not ids[0].isdigit():
        return JsonResponse({"error": "loan"}, status=400)
    loans = Loan.objects.raw("SELECT * FROM library_loan WHERE id IN (" + ", ".join(ids) + ")")
    return JsonResponse({"renewed": [loan.pk for loan in loans]})


# case: sql_injection-36 | good | CWE-89 | Django, header parsed as a UUID
def session_history(request):
    try:
        key = uuid.UUID(request.headers.get("X-Session-Key", ""))
    except ValueError:
        return JsonResponse({"error": "key"}, status=400)
    loans = Loan.objects.raw(f"SELECT * FROM library_loan WHERE session_key = '{key}'")
    return JsonResponse({"loans": [loan.pk for loan in loans]})


# case: sql_injection-37 | bad | CWE-89 | FastAPI dependency returns a dict of query values, aiosqlite runs them
def paging(request: Request) -> dict[str, str]:
    return {"sort": request.query_params.get("sort", "id"), "direction": request.query_params.get("dir", "ASC")}


@router.get("/authors")
async def authors(page: Annotated[dict[str, str], Depends(paging)]):
    async with aiosqlite.connect("library.db") as conn:
        cur = await conn.execute("SELECT id, name FROM authors ORDER BY %(sort)s %(direction)s" % page)
        return await cur.fetchall()


# case: sql_injection-38 | good | CWE-89 | FastAPI Literal parameters, aiosqlite
@router.get("/publishers")
async def publishers(sort: Literal["id", "name"] = "id", direction: Literal["ASC", "DESC"] = "ASC"):
    async with aiosqlite.connect("library.db") as conn:
        cur = await conn.execute("SELECT id, name FROM publishers ORDER BY {} {}".format(sort, direction))
        return await cur.fetchall()


# case: sql_injection-39 | bad | CWE-89 | Flask before_request stores a header in g, a later view uses it
@bp.before_request
def remember_tenant():
    g.tenant = request.headers.get("X-Tenant", "public")


@bp.get("/tenant/books")
def tenant_books():
    rows = db.session.execute(text(f"SELECT title FROM {g.tenant}.books")).all()
    return jsonify([row.title for row in rows])


# case: sql_injection-40 | good | CWE-89 | Flask, request value only chooses between two constants
@bp.get("/history")
def history():
    table = "loans_archive" if request.args.get("archived") else "loans"
    with mysql() as conn, conn.cursor() as cur:
        cur.execute("SELECT id, due FROM %s ORDER BY due" % table)
        return jsonify(cur.fetchall())


# case: sql_injection-41 | bad | CWE-89 | Flask, re.match looks only at the beginning of the value
@bp.get("/genres/<genre>")
def genre_books(genre):
    if not re.match(r"[A-Za-z]+", genre):
        return jsonify([]), 400
    with mysql() as conn, conn.cursor() as cur:
        cur.execute(f"SELECT title FROM books WHERE genre = '{genre}'")
        return jsonify(cur.fetchall())


# case: sql_injection-42 | good | CWE-89 | FastAPI, requested columns filtered by a comprehension over known names
BOOK_COLUMNS = ("id", "title", "isbn", "year")


@router.post("/books/export")
async def export_books(columns: Annotated[list[str], Body()], db_pool: Annotated[asyncpg.Pool, Depends(pool)]):
    chosen = [name for name in BOOK_COLUMNS if name in columns] or ["id"]
    async with db_pool.acquire() as conn:
        return [dict(r) for r in await conn.fetch(f"SELECT {', '.join(chosen)} FROM books")]


# case: sql_injection-43 | bad | CWE-89 | Flask, pandas.read_sql with a JSON value
@bp.post("/statistics")
def statistics():
    spec = request.json
    period = spec.get("period", "2024")
    frame = pd.read_sql(f"SELECT branch, loans FROM yearly WHERE period = '{period}'", db.engine)
    return jsonify(frame.groupby("branch")["loans"].sum().to_dict())


# case: sql_injection-44 | good | CWE-89 | Flask, SQL-like sentence in a message, parameters in the query
@bp.get("/shelves/<shelf>")
def shelf_contents(shelf):
    with mysql() as conn, conn.cursor() as cur:
        cur.execute("SELECT title FROM books WHERE shelf = %(shelf)s", {"shelf": shelf})
        titles = cur.fetchall()
    if not titles:
        return jsonify(message=f"Select another shelf from the list where {shelf} was found"), 404
    return jsonify(titles)
