package main

planned(type, after) := {"resource_changes": [{
	"address": concat(".", [type, "it"]),
	"mode": "managed",
	"type": type,
	"change": {"actions": ["create"], "after": after},
}]}

statement(action) := json.marshal({"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})

test_an_open_group_is_denied if {
	block := {"cidr_blocks": ["0.0.0.0/0"], "ipv6_cidr_blocks": []}
	count(deny_world_ingress) == 1 with input as planned("aws_security_group", {"ingress": [block]})
}

test_a_group_for_the_office_is_not if {
	block := {"cidr_blocks": ["192.0.2.0/24"], "ipv6_cidr_blocks": []}
	count(deny_world_ingress) == 0 with input as planned("aws_security_group", {"ingress": [block]})
}

test_an_open_rule_is_denied if {
	after := {"cidr_ipv4": null, "cidr_ipv6": "::/0"}
	count(deny_world_ingress) == 1 with input as planned("aws_vpc_security_group_ingress_rule", after)
}

test_a_clear_database_is_denied if {
	count(deny_unencrypted) == 1 with input as planned("aws_db_instance", {"storage_encrypted": false})
	count(deny_unencrypted) == 1 with input as planned("aws_db_instance", {})
	count(deny_unencrypted) == 0 with input as planned("aws_db_instance", {"storage_encrypted": true})
}

test_a_public_bucket_is_denied if {
	count(deny_public_bucket) == 1 with input as planned("aws_s3_bucket_acl", {"acl": "public-read"})
	count(deny_public_bucket) == 0 with input as planned("aws_s3_bucket_acl", {"acl": "private"})
	count(deny_public_bucket) == 4 with input as planned("aws_s3_bucket_public_access_block", {})
}

test_a_wildcard_is_denied if {
	count(deny_wildcard) == 1 with input as planned("aws_iam_policy", {"policy": statement(["s3:*"])})
	count(deny_wildcard) == 0 with input as planned("aws_iam_policy", {"policy": statement("s3:GetObject")})
}

test_a_missing_tag_is_told if {
	count(warn_tags) == 1 with input as planned("aws_s3_bucket", {"tags_all": {"owner": "us"}})
		with data.required_tags as ["owner", "service"]
}

test_what_goes_away_is_not_judged if {
	gone := {"address": "a.b", "mode": "managed", "type": "aws_db_instance", "change": {"actions": ["delete"], "after": null}}
	count(deny_unencrypted) == 0 with input as {"resource_changes": [gone]}
}
