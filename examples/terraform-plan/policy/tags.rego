package main

import data.lib.plan

# METADATA
# title: Whoever pays and whoever mends is named
# custom:
#   id: TAG-1
warn_tags contains plan.finding(resource, text, "low") if {
	some resource in plan.resources
	tags := resource.after.tags_all
	some wanted in data.required_tags
	not tags[wanted]
	text := sprintf("lacks the tag %s", [wanted])
}
