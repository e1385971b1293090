# What the rules share: the resources that a plan leaves in place, with the values that they will have.
package lib.plan

resources contains resource if {
	some change in input.resource_changes
	change.mode == "managed"
	some action in change.change.actions
	action in {"create", "update", "no-op"}
	resource := {
		"address": change.address,
		"type": change.type,
		"after": change.change.after,
		"unknown": object.get(change.change, "after_unknown", {}),
	}
}

# One message of a rule, as hardgate reads it.
finding(resource, text, severity) := {
	"msg": sprintf("%s %s", [resource.address, text]),
	"address": resource.address,
	"severity": severity,
}
