package main

import data.lib.plan

switches := ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]

# METADATA
# title: No bucket is public
# scope: document
# custom:
#   id: S3-1
deny_public_bucket contains plan.finding(resource, "makes a bucket public", "critical") if {
	some resource in plan.resources
	resource.type == "aws_s3_bucket_acl"
	startswith(object.get(resource.after, "acl", ""), "public-")
}

deny_public_bucket contains plan.finding(resource, text, "high") if {
	some resource in plan.resources
	resource.type == "aws_s3_bucket_public_access_block"
	some switch in switches
	object.get(resource.after, switch, null) != true
	text := sprintf("leaves %s off", [switch])
}
