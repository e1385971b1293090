package main

import data.lib.plan

documents := {"aws_iam_policy", "aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy"}

# METADATA
# title: No right to everything of a service
# scope: document
# custom:
#   id: IAM-1
deny_wildcard contains plan.finding(resource, text, "high") if {
	some resource in plan.resources
	resource.type in documents
	some statement in as_list(json.unmarshal(resource.after.policy).Statement)
	statement.Effect == "Allow"
	some action in as_list(statement.Action)
	endswith(action, "*")
	text := sprintf("allows %s", [action])
}

# What is known only after the apply cannot be judged: that is said, and not passed.
deny_wildcard contains plan.finding(resource, "has a policy that is known only after the apply", "medium") if {
	some resource in plan.resources
	resource.type in documents
	resource.unknown.policy == true
}

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)
