"""Templates of the jobs that break rules of the service, one change each."""

from tests.contract.rules import access, lasting, parameters, references, region, storage
from tests.contract.weakenings.change import Weakening, add, drop, of, put, several, statement
from tests.contract.weakenings.spark import TRUST, job

LIFECYCLE = of("Data", "LifecycleConfiguration", "Rules")

# Rules of the service that hold here as well: one weakening each shows that they look.
SHARED = [
    Weakening(
        "any action",
        access.no_right_is_a_wildcard,
        "JobRole: action s3:*",
        put(*job("WriteResults", "Action"), value="s3:*"),
    ),
    Weakening(
        "a policy of AWS",
        access.no_policy_of_others_is_attached,
        "JobRole: managed policy",
        put(*of("JobRole", "ManagedPolicyArns"), value=["arn:aws:iam::aws:policy/AdministratorX"]),
    ),
    Weakening(
        "a role for two services",
        access.roles_trust_one_service,
        "JobRole: is trusted",
        put(
            *TRUST,
            "Principal",
            value={"Service": ["emr-serverless.amazonaws.com", "ec2.amazonaws.com"]},
        ),
    ),
    Weakening(
        "a bucket for everybody",
        access.nobody_is_anybody,
        "DataPolicy: allows",
        put(*statement("DataPolicy", "RecentTransport", "Effect"), value="Allow"),
    ),
    Weakening(
        "a role that is passed on",
        access.no_role_is_passed_on,
        "iam:PassRole",
        put(*job("ReadCode", "Action"), value="iam:PassRole"),
    ),
    Weakening(
        "a folder of any name",
        parameters.parameters_are_bounded,
        "ImagesFolder: takes any text",
        drop("Parameters", "ImagesFolder", "AllowedPattern"),
    ),
    Weakening(
        "any key as a parameter",
        parameters.parameters_name_one_resource,
        "ImagesKeyArn: takes *",
        drop("Parameters", "ImagesKeyArn", "AllowedPattern"),
    ),
    Weakening(
        "public access lists",
        storage.buckets_are_private,
        "Data: BlockPublicAcls",
        put(*of("Data", "PublicAccessBlockConfiguration", "BlockPublicAcls"), value=False),
    ),
    Weakening(
        "features in the clear",
        storage.data_rests_encrypted,
        "Data",
        drop(*of("Data", "BucketEncryption")),
    ),
    Weakening(
        "images without TLS",
        storage.everything_comes_by_tls,
        "Data",
        drop(*statement("DataPolicy", "EncryptedTransport")),
    ),
    Weakening(
        "results for ever",
        storage.documents_expire,
        "Data: runs/",
        drop(*LIFECYCLE, {"Id": "runs"}),
    ),
    Weakening(
        "logs for ever",
        storage.documents_expire,
        "Data: logs/",
        put(*LIFECYCLE, {"Id": "logs"}, "Status", value="Disabled"),
    ),
    Weakening(
        "versions of what is erased",
        storage.erased_is_erased,
        "Data",
        put(*of("Data", "VersioningConfiguration"), value={"Status": "Enabled"}),
    ),
    Weakening(
        "a parameter that is not there",
        references.every_reference_resolves,
        "Application",
        put(*of("Application", "Name"), value={"Ref": "Nothing"}),
    ),
    Weakening(
        "more workers than the mapping knows",
        references.references_hold_in_every_deployment,
        "Capacity",
        add("Parameters", "MaxWorkers", "AllowedValues", value=64),
    ),
    Weakening(
        "a circle",
        references.nothing_waits_for_itself,
        "a circle",
        put("Resources", "Application", "DependsOn", value="JobRole"),
    ),
    Weakening(
        "a region of the United States",
        region.only_the_eu_is_allowed,
        "us-east-1",
        several(
            put("Mappings", "EuropeanUnion", "us-east-1", value={"Country": "USA"}),
            add(
                *("Rules", "InTheEuropeanUnion", "Assertions", 0, "Assert", "Fn::Contains", 0),
                value="us-east-1",
            ),
        ),
    ),
    Weakening(
        "no rule on the region",
        region.only_the_eu_is_allowed,
        "Rules",
        drop("Rules", "InTheEuropeanUnion"),
    ),
    Weakening(
        "an account written down",
        region.nothing_is_written_down,
        "210987654321",
        put(*of("Data", "BucketName"), value="jobs-210987654321"),
    ),
    Weakening(
        "no word of where it is",
        region.what_holds_data_says_where,
        "Application",
        drop(*of("Application", "Tags")),
    ),
    Weakening(
        "data deleted with the stack",
        lasting.what_holds_data_says_what_becomes_of_it,
        "Data: DeletionPolicy",
        put("Resources", "Data", "DeletionPolicy", value="Delete"),
    ),
    Weakening(
        "a resource without a sentence",
        lasting.every_resource_has_a_sentence,
        "JobRole",
        drop("Metadata", lasting.SENTENCES, "JobRole"),
    ),
]
