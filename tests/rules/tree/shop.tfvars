# ruleid: terraform-hardcoded-secret
db_password = "tulip-77"
# ok: terraform-hardcoded-secret
db_user = "shop"
