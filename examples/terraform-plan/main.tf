terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "mock"
  secret_key                  = "mock"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  default_tags {
    tags = { owner = "planetary", environment = "test" }
  }
}

resource "aws_security_group" "open" {
  name = "open"
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_vpc_security_group_ingress_rule" "world" {
  security_group_id = aws_security_group.open.id
  cidr_ipv6         = "::/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_s3_bucket" "plain" {
  bucket = "planetary-plain"
}

resource "aws_s3_bucket_public_access_block" "plain" {
  bucket                  = "planetary-plain"
  block_public_acls       = true
  block_public_policy     = false
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_acl" "plain" {
  bucket = "planetary-plain"
  acl    = "public-read"
}

resource "aws_db_instance" "clear" {
  identifier          = "clear"
  engine              = "mysql"
  instance_class      = "db.t3.micro"
  allocated_storage   = 20
  username            = "planetary"
  manage_master_user_password = true
  storage_encrypted   = false
  publicly_accessible = false
  skip_final_snapshot = true
}

resource "aws_ebs_volume" "sealed" {
  availability_zone = "eu-west-1a"
  size              = 1
  encrypted         = true
}

resource "aws_iam_policy" "wide" {
  name = "wide"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }]
  })
}

resource "terraform_data" "note" {
  input = "nothing of AWS"
}
