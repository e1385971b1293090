import enum
import os
import secrets
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Literal

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth import login as auth_login
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views import View
from fastapi import Depends, FastAPI, Form, HTTPException
from fastapi import Request as ApiRequest
from flask import Flask, abort, jsonify, request, session
from pydantic import BaseModel
from shop.models import Account, Coupon, Membership, Product, Store, User
from shop.security import check_password, current_account
from starlette.middleware.sessions import SessionMiddleware

app = Flask(__name__)
app.secret_key = os.environ["SESSION_KEY"]
api = FastAPI()
api.add_middleware(SessionMiddleware, secret_key=os.environ["SESSION_KEY"], https_only=True)

SUPPORTED_LOCALES = ("en", "de", "fr")


# case: trust_boundary-101 | bad | CWE-501 | role checked against a list that contains every role
class RoleSwitcher:
    known = ["viewer", "editor", "admin"]

    def apply(self, wanted):
        wanted = wanted.strip().lower()
        if wanted in self.known:
            session["role"] = wanted
        return session.get("role")


@app.post("/roles/switch")
def switch_role():
    return jsonify(role=RoleSwitcher().apply(request.form.get("role", "")))


# case: trust_boundary-102 | good | CWE-501 | cleaned form with a choice field under a prefix (Django)
class NewsletterForm(forms.Form):
    frequency = forms.ChoiceField(choices=[("weekly", "Weekly"), ("monthly", "Monthly")])
    topics = forms.MultipleChoiceField(choices=[("news", "News"), ("sales", "Sales")])


def newsletter_step(request):
    form = NewsletterForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest()
    request.session["newsletter"] = form.cleaned_data
    return redirect("/newsletter/done/")


# case: trust_boundary-103 | bad | CWE-501 | pydantic model dumped into the session (FastAPI)
class SessionPatch(BaseModel):
    user_id: int
    scopes: list[str] = []


@api.patch("/session")
def patch_session(patch: SessionPatch, request: ApiRequest):
    for key, value in patch.model_dump().items():
        request.session[key] = value
    return {"updated": True}


# case: trust_boundary-104 | bad | CWE-501 | role from the form goes into the session
@app.post("/profile/role")
def choose_role():
    session["role"] = request.form["role"]
    return jsonify(ok=True)


# case: trust_boundary-105 | bad | CWE-501 | impersonated user id stored for any logged-in visitor (Django)
@login_required
def impersonate(request, user_id):
    target = request.GET.get("as", user_id)
    session_data = request.session
    session_data["effective_user_id"] = target
    session_data["impersonating"] = True
    return redirect("/dashboard/")


# case: trust_boundary-106 | bad | CWE-501 | view method stores every POST field (Django)
class OnboardingView(View):
    skipped = {"csrfmiddlewaretoken", "submit"}

    def collect(self, data):
        return {key: data[key] for key in data if key not in self.skipped}

    def post(self, request):
        request.session.update(self.collect(request.POST))
        return redirect("/onboarding/next/")


# case: trust_boundary-107 | bad | CWE-501 | dependency marks the session as verified by a query flag (FastAPI)
def verification_state(mfa: bool = False, method: str = "totp"):
    return {"mfa_passed": mfa, "mfa_method": method}


@api.get("/login/continue")
def continue_login(request: ApiRequest, state: dict = Depends(verification_state)):
    request.session.update(state)
    return {"next": "/"}


# case: trust_boundary-108 | good | CWE-501 | store must belong to the logged-in user (Django)
@login_required
def select_store(request, store_id):
    store = get_object_or_404(Store, pk=store_id, owner=request.user)
    request.session["store_id"] = store.pk
    request.session["currency"] = store.currency
    return redirect("/store/")


# case: trust_boundary-109 | bad | CWE-501 | tenant header stored for later queries (FastAPI)
@api.post("/session/tenant")
async def pick_tenant(request: ApiRequest):
    tenant = request.headers.get("x-tenant-id", "public")
    request.session["tenant"] = tenant
    return {"tenant": tenant}


# case: trust_boundary-110 | good | CWE-501 | authenticate and login, flag from the user object (Django)
def agent_login(request):
    user = authenticate(request, username=request.POST.get("username"), password=request.POST.get("password"))
    if user is None:
        return HttpResponse(status=401)
    auth_login(request, user)
    request.session["is_staff"] = user.is_staff
    return redirect("/support/")


# case: trust_boundary-111 | bad | CWE-501 | session key named by the caller
@app.route("/wizard/answer", methods=["POST"])
def wizard_answer():
    field = request.form.get("field")
    value = request.form.get("value")
    session[field] = value
    return "", 204


# case: trust_boundary-112 | good | CWE-501 | only display settings with fixed values are taken from JSON
DISPLAY_CHOICES = {"density": {"compact", "normal"}, "theme": {"light", "dark"}}


@app.put("/session/display")
def merge_display():
    payload = request.get_json()
    for name, allowed in DISPLAY_CHOICES.items():
        choice = payload.get(name)
        if choice in allowed:
            session[name] = choice
    return jsonify(ok=True)


# case: trust_boundary-113 | good | CWE-501 | submitted role replaced by the stored one
class RoleLoader:
    def apply(self, requested):
        account = current_account()
        if requested not in account.granted_roles:
            requested = account.default_role
        session["role"] = requested
        return requested


@app.post("/roles/assume")
def assume_role():
    return jsonify(role=RoleLoader().apply(request.form.get("role", "")))


# case: trust_boundary-114 | good | CWE-501 | role comes from the account after the password check
@app.post("/login")
def login():
    account = Account.by_email(request.form["email"])
    if account is None or not check_password(account, request.form["password"]):
        abort(401)
    session.clear()
    session["account_id"] = account.id
    session["role"] = account.role
    return jsonify(ok=True)


# case: trust_boundary-115 | good | CWE-501 | pydantic model with closed display choices (FastAPI)
class DisplayPatch(BaseModel):
    theme: Literal["light", "dark"] = "light"
    week_start: Literal["monday", "sunday"] = "monday"


@api.patch("/session/display")
def patch_display(patch: DisplayPatch, request: ApiRequest):
    request.session["theme"] = patch.theme
    request.session["week_start"] = patch.week_start
    return {"updated": True}


# case: trust_boundary-116 | good | CWE-501 | price read from the product record
@app.post("/basket/items")
def add_basket_item():
    product = Product.by_sku(request.json["sku"])
    if product is None:
        abort(404)
    qty = max(1, min(int(request.json.get("qty", 1)), 99))
    basket = session.setdefault("basket", [])
    basket.append({"sku": product.sku, "qty": qty, "price": str(product.price)})
    session.modified = True
    return jsonify(lines=len(basket))


# case: trust_boundary-117 | good | CWE-501 | membership checked before the team is stored
@app.get("/teams/switch")
def switch_team():
    user = current_account()
    membership = Membership.find(user_id=user.id, team_id=request.args.get("team", type=int))
    if membership is None:
        abort(403)
    session["team_id"] = membership.team_id
    return jsonify(active=membership.team_id)


# case: trust_boundary-118 | good | CWE-501 | coupon looked up, stored percentage is the server's (Django)
@login_required
def apply_coupon(request):
    coupon = get_object_or_404(Coupon, code=request.POST.get("code", ""), active=True)
    request.session["coupon_id"] = coupon.pk
    request.session["coupon_percent"] = str(coupon.percent)
    return JsonResponse({"discount": str(coupon.percent)})


# case: trust_boundary-119 | good | CWE-501 | enum conversion for a display option
class SortOrder(enum.Enum):
    NEWEST = "newest"
    CHEAPEST = "cheapest"


@app.get("/catalog/sort")
def catalog_sort():
    try:
        order = SortOrder(request.args.get("order", "newest"))
    except ValueError:
        abort(400)
    session["catalog_sort"] = order.value
    return jsonify(order=order.value)


# case: trust_boundary-120 | bad | CWE-501 | price sent by the client is trusted at checkout
@app.post("/cart/items")
def add_item():
    body = request.get_json()
    cart = session.setdefault("cart", [])
    cart.append({"sku": body["sku"], "qty": body["qty"], "price": body["price"]})
    session["total"] = sum(item["price"] * item["qty"] for item in cart)
    session.modified = True
    return jsonify(total=session["total"])


# case: trust_boundary-121 | bad | CWE-501 | unsigned cookie value restores the login
@app.before_request
def restore_login():
    remembered = request.cookies.get("remember_user")
    if remembered and "user_id" not in session:
        session["user_id"] = remembered
        session["authenticated"] = True


# case: trust_boundary-122 | good | CWE-501 | preferred language chosen among the supported ones
@app.before_request
def negotiate_language():
    if "locale" not in session:
        best = request.accept_languages.best_match(SUPPORTED_LOCALES)
        session["locale"] = best or SUPPORTED_LOCALES[0]


# case: trust_boundary-123 | bad | CWE-501 | whole JSON body merged into the session
@app.put("/session/state")
def merge_state():
    payload = request.get_json()
    session.update(payload)
    return jsonify(keys=sorted(session))


# case: trust_boundary-124 | good | CWE-501 | helper stores values that the server made
def remember_new(user):
    session["user_id"] = user.id
    session["plan"] = "free"
    session["csrf_seed"] = secrets.token_hex(16)


@app.post("/signup/complete")
def complete_signup():
    user = User.create(email=request.form["email"], password=request.form["password"])
    remember_new(user)
    return jsonify(plan=session["plan"])


# case: trust_boundary-125 | bad | CWE-501 | helper copies named form fields, the user id among them
def remember(*names):
    for name in names:
        if name in request.form:
            session[name] = request.form[name]


@app.post("/signup/finish")
def finish_signup():
    remember("user_id", "display_name", "plan")
    return jsonify(plan=session.get("plan"))


# case: trust_boundary-126 | good | CWE-501 | known fields only, values are bounded numbers
WIZARD_FIELDS = frozenset({"width", "height", "copies"})


@app.route("/wizard/step", methods=["POST"])
def wizard_step():
    field = request.form.get("field", "")
    if field not in WIZARD_FIELDS:
        abort(400)
    answers = dict(session.get("wizard", {}))
    answers[field] = max(1, min(request.form.get("value", 1, type=int), 500))
    session["wizard"] = answers
    return "", 204


# case: trust_boundary-127 | bad | CWE-501 | account id cast to int but not checked for ownership
@app.get("/accounts/switch")
def switch_account():
    account_id = int(request.args["account_id"])
    session["account_id"] = account_id
    return jsonify(active=account_id)


# case: trust_boundary-128 | good | CWE-501 | brand looked up in the host map of the configuration (FastAPI)
BRAND_BY_HOST = {"shop.example.org": "classic", "outlet.example.org": "outlet"}


@api.post("/session/brand")
async def derive_brand(request: ApiRequest):
    brand = BRAND_BY_HOST.get(request.url.hostname)
    if brand is None:
        raise HTTPException(status_code=404)
    request.session["brand"] = brand
    return {"brand": brand}


# case: trust_boundary-129 | good | CWE-501 | code compared with the issued one before the flag is set (FastAPI)
@api.post("/login/verify")
def verify_code(request: ApiRequest, code: str = Form(...)):
    issued = Account.issued_code(request.session.get("account_id"))
    if not issued or not secrets.compare_digest(issued, code):
        raise HTTPException(status_code=403)
    request.session["mfa_passed"] = True
    return {"next": "/"}


# case: trust_boundary-130 | bad | CWE-501 | discount percentage from a hidden field (Django)
@login_required
def apply_discount(request):
    percent = Decimal(request.POST.get("discount", "0"))
    if percent < 0:
        return HttpResponseBadRequest("negative discount")
    request.session["discount_percent"] = str(percent)
    return JsonResponse({"discount": str(percent)})


# case: trust_boundary-131 | bad | CWE-501 | staff flag from POST into the session (Django)
def start_support(request):
    request.session["is_staff"] = request.POST.get("is_staff") == "1"
    request.session["agent"] = request.POST.get("agent")
    return redirect("/support/")


# case: trust_boundary-132 | bad | CWE-501 | dataclass filled from query and written as the identity
@dataclass
class Identity:
    uid: str
    groups: list

    @classmethod
    def from_query(cls, args):
        return cls(uid=args.get("uid", ""), groups=args.getlist("group"))


@app.get("/sso/return")
def sso_return():
    identity = Identity.from_query(request.args)
    session["identity"] = asdict(identity)
    return jsonify(groups=identity.groups)
