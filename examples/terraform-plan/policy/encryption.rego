package main

import data.lib.plan

# The argument by which each type of resource encrypts what it keeps.
encrypting := {
	"aws_db_instance": "storage_encrypted",
	"aws_ebs_volume": "encrypted",
	"aws_efs_file_system": "encrypted",
	"aws_rds_cluster": "storage_encrypted",
}

# METADATA
# title: Everything that is kept is encrypted
# custom:
#   id: ENC-1
deny_unencrypted contains plan.finding(resource, "does not encrypt what it keeps", "high") if {
	some resource in plan.resources
	argument := encrypting[resource.type]
	object.get(resource.after, argument, null) != true
}
