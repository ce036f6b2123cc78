"""Rights, trust and policies that reach further."""

from tests.contract.rules import access, parameters
from tests.contract.weakenings.change import (
    Weakening,
    add,
    drop,
    of,
    put,
    right,
    several,
    statement,
)

ANYBODY = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": {"Fn::Sub": "${Documents.Arn}/*"},
}
PUT, ABORT = "s3:PutObject", "s3:AbortMultipartUpload"
TRUSTED = ("AssumeRolePolicyDocument", "Statement", 0)

ACCESS = [
    Weakening(
        "any action on a folder",
        access.no_right_is_a_wildcard,
        "PredictRole",
        put(*right("PredictRole", PUT, "Action"), value="s3:*"),
    ),
    Weakening(
        "all reading actions",
        access.no_right_is_a_wildcard,
        "BatchRole",
        put(*right("BatchRole", ABORT, "Action"), value=["s3:Get*"]),
    ),
    Weakening(
        "all actions but one",
        access.no_right_is_a_wildcard,
        "PredictRole",
        several(
            put(*right("PredictRole", PUT, "NotAction"), value="s3:DeleteBucket"),
            drop(*right("PredictRole", PUT, "Action")),
        ),
    ),
    Weakening(
        "any resource",
        access.no_right_is_a_wildcard,
        "PredictRole",
        put(*right("PredictRole", PUT, "Resource"), value="*"),
    ),
    Weakening(
        "the whole bucket",
        access.no_right_is_a_wildcard,
        "BatchRole",
        put(*right("BatchRole", ABORT, "Resource"), value={"Fn::Sub": "${Documents.Arn}/*"}),
    ),
    Weakening(
        "buckets of a similar name",
        access.no_right_is_a_wildcard,
        "BatchRole",
        put(*right("BatchRole", ABORT, "Resource"), value={"Fn::Sub": "${Documents.Arn}*"}),
    ),
    Weakening(
        "any function of the account",
        access.no_right_is_a_wildcard,
        "CheckRole",
        put(
            *right("CheckRole", "lambda:InvokeFunction", "Resource"),
            value={"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:*:function:*"},
        ),
    ),
    Weakening(
        "S3 may do anything to the queue",
        access.no_right_is_a_wildcard,
        "QueuePolicy",
        put(*statement("QueuePolicy", "Uploads", "Action"), value="sqs:*"),
    ),
    Weakening(
        "a key that may be any",
        parameters.parameters_name_one_resource,
        "KmsKeyArn",
        drop("Parameters", "KmsKeyArn", "AllowedPattern"),
    ),
    Weakening(
        "a number without a least",
        parameters.parameters_are_bounded,
        "ResultDays",
        drop("Parameters", "ResultDays", "MinValue"),
    ),
    Weakening(
        "a default that is not allowed",
        parameters.parameters_are_bounded,
        "InputDays",
        put("Parameters", "InputDays", "Default", value=365),
    ),
    Weakening(
        "any text as a name",
        parameters.parameters_are_bounded,
        "InputName",
        drop("Parameters", "InputName", "AllowedPattern"),
    ),
    Weakening(
        "a managed policy",
        access.no_policy_of_others_is_attached,
        "PredictRole",
        put(
            *of("PredictRole", "ManagedPolicyArns"),
            value=[{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AmazonS3FullAccess"}],
        ),
    ),
    Weakening(
        "trust for another account",
        access.roles_trust_one_service,
        "BatchRole",
        put(*of("BatchRole", *TRUSTED, "Principal"), value={"AWS": "210987654321"}),
    ),
    Weakening(
        "trust for everybody",
        access.roles_trust_one_service,
        "PredictRole",
        put(*of("PredictRole", *TRUSTED, "Principal"), value={"AWS": "*"}),
    ),
    Weakening(
        "trust for a second service",
        access.roles_trust_one_service,
        "CheckRole",
        put(
            *of("CheckRole", *TRUSTED, "Principal", "Service"),
            value=["lambda.amazonaws.com", "ec2.amazonaws.com"],
        ),
    ),
    Weakening(
        "trust for nobody",
        access.roles_trust_one_service,
        "DeployRole",
        put(*of("DeployRole", "AssumeRolePolicyDocument", "Statement"), value=[]),
    ),
    Weakening(
        "documents for everybody",
        access.nobody_is_anybody,
        "DocumentsPolicy",
        add(*of("DocumentsPolicy", "PolicyDocument", "Statement"), value=ANYBODY),
    ),
    Weakening(
        "documents for another account",
        access.nobody_is_anybody,
        "DocumentsPolicy",
        add(
            *of("DocumentsPolicy", "PolicyDocument", "Statement"),
            value={**ANYBODY, "Principal": {"AWS": "arn:aws:iam::210987654321:root"}},
        ),
    ),
    Weakening(
        "any bucket of anybody puts into the queue",
        access.nobody_is_anybody,
        "QueuePolicy",
        drop(*statement("QueuePolicy", "Uploads", "Condition")),
    ),
    Weakening(
        "two functions with one role",
        access.functions_have_roles_of_their_own,
        "BatchFunction",
        put(*of("BatchFunction", "Role"), value={"Fn::GetAtt": ["PredictRole", "Arn"]}),
    ),
    Weakening(
        "a role that SAM makes, of managed policies",
        access.functions_have_roles_of_their_own,
        "PredictFunction",
        several(
            drop(*of("PredictFunction", "Role")),
            put(*of("PredictFunction", "Policies"), value=["AmazonS3FullAccess"]),
        ),
    ),
    Weakening(
        "a role passed on",
        access.no_role_is_passed_on,
        "DeployRole",
        add(*right("DeployRole", "lambda:InvokeFunction", "Action"), value="iam:PassRole"),
    ),
]
