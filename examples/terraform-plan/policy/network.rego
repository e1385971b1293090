package main

import data.lib.plan

world := {"0.0.0.0/0", "::/0"}

# METADATA
# title: No ingress from the whole internet
# custom:
#   id: NET-1
deny_world_ingress contains plan.finding(resource, "lets the whole internet in", "high") if {
	some resource in plan.resources
	some range in ingress(resource)
	range in world
}

ingress(resource) := {range |
	resource.type == "aws_security_group"
	some block in resource.after.ingress
	some range in array.concat(block.cidr_blocks, block.ipv6_cidr_blocks)
} | {range |
	resource.type == "aws_vpc_security_group_ingress_rule"
	some key in ["cidr_ipv4", "cidr_ipv6"]
	range := resource.after[key]
} | {range |
	resource.type == "aws_security_group_rule"
	resource.after.type == "ingress"
	some key in ["cidr_blocks", "ipv6_cidr_blocks"]
	some range in resource.after[key]
}
