"""The AWS account that local SageMaker plays: its number, region, role, bucket, and a client's environment."""

import os

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
ROLE_NAME = "SageMakerRole"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/{ROLE_NAME}"
DEFAULT_BUCKET = f"sagemaker-{REGION}-{ACCOUNT_ID}"
# what the SageMaker SDK, v2 and v3, reads from the file that SAGEMAKER_USER_CONFIG_OVERRIDE names
SDK_CONFIG = f"""SchemaVersion: '1.0'
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
      Session:
        DefaultS3Bucket: {DEFAULT_BUCKET}
"""


def sagemaker_arn(kind: str, name: str) -> str:
    """The ARN of a SageMaker resource; `kind` is the ARN's own word, such as `training-job`."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:{kind}/{name}"


def client_environment(url: str) -> dict[str, str]:
    """What boto3 and the SageMaker SDK need in their environment to talk to the server at `url`, and to no other.

    Whoever applies it drops every other `AWS_` variable first: a profile, a session token or an endpoint of one
    service would send a call elsewhere.
    """
    bypass = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1"]))
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": bypass,
        "no_proxy": bypass,
    }
