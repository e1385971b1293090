# Every value was made up for this file.
provider "aws" {
  region = "eu-west-1"
  # ruleid: terraform-hardcoded-secret
  access_key = "AKIAMADEUPMADEUPMADE"
  # ruleid: terraform-hardcoded-secret
  secret_key = "madeupmadeupmadeupmadeup"
}

variable "db_password" {
  type = string
  # ruleid: terraform-hardcoded-secret
  default = "tulip-77"
}

variable "shop_password" {
  # ok: terraform-hardcoded-secret
  default = null
}

resource "aws_security_group" "shop" {
  # ruleid: terraform-open-port
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  # ruleid: terraform-open-port
  ingress {
    description = "database"
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8", "0.0.0.0/0"]
    from_port   = 5000
    to_port     = 6000
  }
  # ok: terraform-open-port
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  # ok: terraform-open-port
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
  # ok: terraform-open-port
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

# ruleid: terraform-open-port
resource "aws_vpc_security_group_ingress_rule" "redis" {
  security_group_id = aws_security_group.shop.id
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 6379
  to_port           = 6379
  ip_protocol       = "tcp"
}

# ruleid: terraform-open-port
resource "aws_security_group_rule" "all" {
  type        = "ingress"
  from_port   = 0
  to_port     = 65535
  protocol    = "tcp"
  cidr_blocks = ["0.0.0.0/0"]
}

# ok: terraform-open-port
resource "aws_security_group_rule" "out" {
  type        = "egress"
  from_port   = 0
  to_port     = 65535
  protocol    = "tcp"
  cidr_blocks = ["0.0.0.0/0"]
}

resource "aws_s3_bucket_acl" "site" {
  bucket = aws_s3_bucket.site.id
  # ruleid: terraform-public-bucket
  acl = "public-read"
}

resource "aws_s3_bucket_acl" "files" {
  bucket = aws_s3_bucket.files.id
  # ok: terraform-public-bucket
  acl = "private"
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket = aws_s3_bucket.site.id
  # ruleid: terraform-public-bucket
  block_public_acls = false
  # ok: terraform-public-bucket
  block_public_policy = true
}

data "aws_iam_policy_document" "all" {
  # ruleid: terraform-wildcard-policy
  statement {
    actions   = ["*"]
    resources = ["*"]
  }
  # ok: terraform-wildcard-policy
  statement {
    effect    = "Deny"
    actions   = ["*"]
    resources = ["*"]
  }
  # ok: terraform-wildcard-policy
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy_attachment" "deploy" {
  role = aws_iam_role.deploy.name
  # ruleid: terraform-wildcard-policy
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

# ruleid: terraform-unencrypted-storage
resource "aws_db_instance" "shop" {
  engine   = "postgres"
  username = "shop"
  # ruleid: terraform-hardcoded-secret
  password = "tulip-77"
  # ruleid: terraform-public-database
  publicly_accessible = true
}

# ok: terraform-unencrypted-storage
resource "aws_db_instance" "orders" {
  engine            = "postgres"
  storage_encrypted = true
  # ok: terraform-hardcoded-secret
  password = var.db_password
  # ok: terraform-public-database
  publicly_accessible = false
}

# ruleid: terraform-unencrypted-storage
resource "aws_ebs_volume" "data" {
  availability_zone = "eu-west-1a"
  size              = 40
  encrypted         = false
}

# ok: terraform-unencrypted-storage
resource "aws_ebs_volume" "more" {
  availability_zone = "eu-west-1a"
  size              = 40
  encrypted         = true
}

resource "aws_instance" "old" {
  metadata_options {
    # ruleid: terraform-instance-metadata
    http_tokens = "optional"
  }
}

resource "aws_instance" "new" {
  metadata_options {
    # ok: terraform-instance-metadata
    http_tokens = "required"
  }
}

resource "aws_lambda_function_url" "open" {
  function_name = "shop"
  # ruleid: terraform-open-function-url
  authorization_type = "NONE"
}

resource "aws_lambda_function_url" "closed" {
  function_name = "shop"
  # ok: terraform-open-function-url
  authorization_type = "AWS_IAM"
}

resource "aws_codebuild_project" "images" {
  environment {
    image = "aws/codebuild/standard:7.0"
    # ruleid: terraform-privileged-build
    privileged_mode = true
  }
}

resource "aws_codebuild_project" "tests" {
  environment {
    image = "aws/codebuild/standard:7.0"
    # ok: terraform-privileged-build
    privileged_mode = false
  }
}

resource "aws_iam_policy" "all" {
  policy = jsonencode({
    Version = "2012-10-17"
    # ruleid: terraform-wildcard-policy
    Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }]
  })
}

resource "aws_iam_policy" "read" {
  policy = jsonencode({
    Version = "2012-10-17"
    # ok: terraform-wildcard-policy
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "*" }]
  })
}
