"""Documents and messages in the clear, for everybody, for ever or for too short."""

from tests.contract.rules import storage
from tests.contract.weakenings.change import Weakening, drop, of, put, right, statement

LIFECYCLE = of("Documents", "LifecycleConfiguration", "Rules")
PUT = "s3:PutObject"

STORAGE = [
    Weakening(
        "public policies",
        storage.buckets_are_private,
        "Documents: BlockPublicPolicy",
        put(*of("Documents", "PublicAccessBlockConfiguration", "BlockPublicPolicy"), value=False),
    ),
    Weakening(
        "no public access block",
        storage.buckets_are_private,
        "Documents: RestrictPublicBuckets",
        drop(*of("Documents", "PublicAccessBlockConfiguration")),
    ),
    Weakening(
        "objects of others",
        storage.buckets_are_private,
        "Documents",
        drop(*of("Documents", "OwnershipControls")),
    ),
    Weakening(
        "documents in the clear",
        storage.data_rests_encrypted,
        "Documents",
        drop(*of("Documents", "BucketEncryption")),
    ),
    Weakening(
        "the key that is given is not used",
        storage.data_rests_encrypted,
        "KmsKeyArn",
        put(
            *of("Documents", "BucketEncryption", "ServerSideEncryptionConfiguration", 0),
            value={"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}},
        ),
    ),
    Weakening(
        "dead letters in the clear",
        storage.data_rests_encrypted,
        "DeadLetters",
        put(*of("DeadLetters", "SqsManagedSseEnabled"), value=False),
    ),
    Weakening(
        "alarms in the clear",
        storage.data_rests_encrypted,
        "AlarmTopic",
        drop(*of("AlarmTopic", "KmsMasterKeyId")),
    ),
    Weakening(
        "a key for ever",
        storage.data_rests_encrypted,
        "AlarmKey",
        drop(*of("AlarmKey", "EnableKeyRotation")),
    ),
    Weakening(
        "documents without TLS",
        storage.everything_comes_by_tls,
        "Documents",
        drop(*statement("DocumentsPolicy", "EncryptedTransport")),
    ),
    Weakening(
        "TLS for the bucket, not for what is in it",
        storage.everything_comes_by_tls,
        "Documents",
        drop(*statement("DocumentsPolicy", "EncryptedTransport", "Resource", 1)),
    ),
    Weakening(
        "TLS the wrong way round",
        storage.everything_comes_by_tls,
        "Queue",
        put(
            *statement("QueuePolicy", "EncryptedTransport", "Condition", "Bool"),
            value={"aws:SecureTransport": "true"},
        ),
    ),
    Weakening(
        "TLS for one user",
        storage.everything_comes_by_tls,
        "Queue",
        put(*statement("QueuePolicy", "EncryptedTransport", "Principal"), value={"AWS": "1"}),
    ),
    Weakening(
        "TLS for one action",
        storage.everything_comes_by_tls,
        "Documents",
        put(*statement("DocumentsPolicy", "EncryptedTransport", "Action"), value="s3:PutObject"),
    ),
    Weakening(
        "a policy of another queue",
        storage.everything_comes_by_tls,
        "DeadLetters",
        put(*of("DeadLettersPolicy", "Queues"), value=[{"Ref": "Queue"}]),
    ),
    Weakening(
        "the topic without TLS",
        storage.everything_comes_by_tls,
        "AlarmTopic",
        drop(*statement("AlarmTopicPolicy", "EncryptedTransport", "Action", 0)),
    ),
    Weakening(
        "results for ever",
        storage.documents_expire,
        "Documents: predictions/",
        drop(*LIFECYCLE, {"Id": "predictions"}),
    ),
    Weakening(
        "a rule that is off",
        storage.documents_expire,
        "Documents: uploads/",
        put(*LIFECYCLE, {"Id": "uploads"}, "Status", value="Disabled"),
    ),
    Weakening(
        "a new folder that nobody clears",
        storage.documents_expire,
        "Documents: drafts/",
        put(*right("PredictRole", PUT, "Resource"), value={"Fn::Sub": "${Documents.Arn}/drafts/*"}),
    ),
    Weakening(
        "uploads that nobody ends",
        storage.documents_expire,
        "Documents",
        drop(*LIFECYCLE, {"Id": "unfinished"}),
    ),
    Weakening(
        "versions of what is erased",
        storage.erased_is_erased,
        "Documents",
        put(*of("Documents", "VersioningConfiguration"), value={"Status": "Enabled"}),
    ),
    Weakening(
        "a copy elsewhere",
        storage.erased_is_erased,
        "Documents",
        put(*of("Documents", "ReplicationConfiguration"), value={"Rules": []}),
    ),
    Weakening(
        "no dead letters",
        storage.queues_lose_nothing,
        "Queue",
        drop(*of("Queue", "RedrivePolicy")),
    ),
    Weakening(
        "a message seen twice",
        storage.queues_lose_nothing,
        "Queue: hides",
        put(*of("Queue", "VisibilityTimeout"), value=300),
    ),
    Weakening(
        "a message seen twice, with one time-out",
        storage.queues_lose_nothing,
        "BatchTimeoutS=900",
        put("Mappings", "VisibilityOfTimeout", "900", "Seconds", value=900),
    ),
    Weakening(
        "a message older than its document",
        storage.queues_lose_nothing,
        "InputDays=4",
        put("Mappings", "RetentionOfDays", "4", "Seconds", value=1_209_600),
    ),
    Weakening(
        "a document older than its message",
        storage.queues_lose_nothing,
        "DeadLetters",
        put(*of("DeadLetters", "MessageRetentionPeriod"), value=60),
    ),
]
