"""References into nothing, other regions, what is written down, what is lost with its stack."""

from tests.contract.rules import lasting, references, region
from tests.contract.weakenings.change import Weakening, add, drop, of, put

VARIABLES = ("Environment", "Variables")

REFERENCES = [
    Weakening(
        "a variable of a resource that is not there",
        references.every_reference_resolves,
        "BatchFunction: Ref of Quue",
        put(*of("BatchFunction", *VARIABLES, "QUEUE_URL"), value={"Ref": "Quue"}),
    ),
    Weakening(
        "a parameter less",
        references.every_reference_resolves,
        "PredictFunction: Ref of InputName",
        drop("Parameters", "InputName"),
    ),
    Weakening(
        "a text with a name that is not there",
        references.every_reference_resolves,
        "Url: Sub of HttpApi",
        put("Outputs", "Url", "Value", value={"Fn::Sub": "https://${HttpApi}"}),
    ),
    Weakening(
        "a condition of a resource that is not there",
        references.every_reference_resolves,
        "KeyUse: If of Key",
        put("Resources", "KeyUse", "Condition", value="Key"),
    ),
    Weakening(
        "a condition less",
        references.every_reference_resolves,
        "OwnKey",
        drop("Conditions", "OwnKey"),
    ),
    Weakening(
        "an output of what is not always there",
        references.references_hold_in_every_deployment,
        "Key: Ref of KeyUse",
        put("Outputs", "Key", value={"Value": {"Ref": "KeyUse"}}),
    ),
    Weakening(
        "a lookup that finds nothing for one value",
        references.references_hold_in_every_deployment,
        "BatchTimeoutS=900",
        drop("Mappings", "VisibilityOfTimeout", "900"),
    ),
    Weakening(
        "a queue and a bucket that wait for each other",
        references.nothing_waits_for_itself,
        "Documents",
        put(*of("Queue", "QueueName"), value={"Fn::Sub": "${Documents}-queue"}),
    ),
    Weakening(
        "a role that waits for itself",
        references.nothing_waits_for_itself,
        "PredictRole",
        put("Resources", "PredictRole", "DependsOn", value="PredictRole"),
    ),
]

EUROPE = [
    Weakening(
        "a region of the United States",
        region.only_the_eu_is_allowed,
        "us-east-1",
        put("Mappings", "EuropeanUnion", "us-east-1", value={"Country": "USA"}),
    ),
    Weakening(
        "London in the rule",
        region.only_the_eu_is_allowed,
        "eu-west-2",
        add(
            *("Rules", "InTheEuropeanUnion", "Assertions", 0, "Assert", "Fn::Contains", 0),
            value="eu-west-2",
        ),
    ),
    Weakening(
        "no rule on the region",
        region.only_the_eu_is_allowed,
        "Rules",
        drop("Rules", "InTheEuropeanUnion"),
    ),
    Weakening(
        "a region written down",
        region.nothing_is_written_down,
        "PredictFunction: region us-east-1",
        put(*of("PredictFunction", *VARIABLES, "REGION"), value="us-east-1"),
    ),
    Weakening(
        "an account written down",
        region.nothing_is_written_down,
        "Queue: account 210987654321",
        put(*of("Queue", "QueueName"), value="q-210987654321"),
    ),
    Weakening(
        "a partition written down",
        region.nothing_is_written_down,
        "Url: partition arn:aws:",
        put("Outputs", "Url", "Value", value={"Fn::Sub": "arn:aws:execute-api:${Api}"}),
    ),
    Weakening(
        "no tag on the documents",
        region.what_holds_data_says_where,
        "Documents",
        drop(*of("Documents", "Tags")),
    ),
    Weakening(
        "a tag that says another country",
        region.what_holds_data_says_where,
        "PredictFunction",
        put("Globals", "Function", "Tags", "data-stays-in", value="USA"),
    ),
]

LASTING = [
    Weakening(
        "documents deleted with their stack",
        lasting.what_holds_data_says_what_becomes_of_it,
        "Documents: DeletionPolicy",
        put("Resources", "Documents", "DeletionPolicy", value="Delete"),
    ),
    Weakening(
        "documents lost to a replacement",
        lasting.what_holds_data_says_what_becomes_of_it,
        "Documents: UpdateReplacePolicy",
        drop("Resources", "Documents", "UpdateReplacePolicy"),
    ),
    Weakening(
        "a log of which nothing is said",
        lasting.what_holds_data_says_what_becomes_of_it,
        "AccessLogs: no DeletionPolicy",
        drop("Resources", "AccessLogs", "DeletionPolicy"),
    ),
    Weakening(
        "a resource without a sentence",
        lasting.every_resource_has_a_sentence,
        "Queue",
        drop("Metadata", lasting.SENTENCES, "Queue"),
    ),
    Weakening(
        "a sentence that is none",
        lasting.every_resource_has_a_sentence,
        "Documents",
        put("Metadata", lasting.SENTENCES, "Documents", value="todo"),
    ),
]
