/** A finding that stands, and why. One without a reason is not possible; one that nothing is found for fails. */
export interface AcceptedFinding {
  rule: string;
  /** Of the finding's place. */
  place: RegExp;
  reason: string;
}

export const acceptedByCfnLint: AcceptedFinding[] = [
  ...['E1157', 'E1162', 'E1164', 'E3017', 'E3031', 'W1028'].map((rule) => ({
    rule,
    place: /(KmsKeyId|KmsMasterKeyId|KmsKeyArn)\/Fn::If\/1$|\/Fn::If\/1\/.*KMSMasterKeyID$/,
    reason: 'the branch of a stage with a key of its own, which is not taken where kmsKeyArn is empty',
  })),
  {
    rule: 'E3510',
    place: /Role\/.*\/Statement\/\d+\/Fn::If\/1\/Resource$/,
    reason: 'the branch of a stage with a key of its own, which is not taken where kmsKeyArn is empty',
  },
  {
    rule: 'E3033',
    place:
      /(AlarmActions|OKActions)\/0\/Fn::If\/2$|PipelineEventsRule\/Properties\/Targets\/0\/Arn\/Fn::If\/2$/,
    reason:
      'the branch of a stage that writes to a topic of others, which is not taken where existingTopicArn is empty',
  },
  {
    rule: 'E3033',
    place: /PermissionsBoundary\/Fn::If\/1$/,
    reason: 'the branch of a stage with a boundary, which is not taken where permissionsBoundaryArn is empty',
  },
  ...['E3031', 'E3033'].map((rule) => ({
    rule,
    place: /^ingestion Resources\/WebhookDestination\/Properties\/InvocationEndpoint$/,
    reason: 'of a destination that is not made where alarmWebhookUrl is empty',
  })),
  {
    rule: 'W8003',
    place: /^\w+ Conditions\//,
    reason:
      'osls puts a stage’s parameters in at packaging, so a condition on one is always true or always false in one package',
  },
  {
    rule: 'W1033',
    place: /VpcConfig\/Fn::If\/1\/(SubnetIds|SecurityGroupIds)/,
    reason: 'the branch of a stage in a VPC, which is not taken where subnetIds is empty',
  },
  {
    rule: 'E3510',
    place: /^(ingestion|loading) Resources\/\w+Role\/.*\/Resource\/Fn::If\/2$/,
    reason: 'the branch of a stage whose secret is named by its ARN, which is not taken where it is empty',
  },
  {
    rule: 'W1028',
    place: /^loading Resources\/Expire(LogGroup|LambdaFunction|Role)\/.*\/Fn::If\/[12]$/,
    reason:
      'of what is not made where expireAfterDays is empty: beside a condition that is never true no branch is reached',
  },
  {
    rule: 'W3005',
    place: /^\w+ Resources\/\w+LambdaFunction\/DependsOn/,
    reason: 'osls writes a function’s dependency on its role, though the reference to the role implies it',
  },
];

export const acceptedByCheckov: AcceptedFinding[] = [
  {
    rule: 'CKV_AWS_117',
    place: /^(ingestion Sweep|transformation Sweep|transformation Transform)LambdaFunction$/,
    reason: 'connects to no database, and a VPC would cost it a way to S3 and SQS',
  },
  {
    rule: 'CKV_AWS_116',
    place: /(Extract|Transform|Load)LambdaFunction$/,
    reason:
      'invoked by SQS, whose queues have their dead-letter queues; this one is for asynchronous invocations',
  },
  {
    rule: 'CKV_AWS_116',
    place: /(Plan|Sweep|Freshness|Expire)LambdaFunction$/,
    reason:
      'scheduled without input: the next invocation does all that a failed one could not, and an alarm tells of it',
  },
  {
    rule: 'CKV_AWS_115',
    place: /^transformation TransformLambdaFunction$/,
    reason:
      'bounded by its event source mapping; only functions that hold a database connection reserve concurrency',
  },
  {
    rule: 'CKV_AWS_18',
    place: /(IngestedBucket|ProcessedBucket|ServerlessDeploymentBucket)$/,
    reason:
      'a private bucket that only the service’s roles reach: CloudTrail’s data events tell more, where an account wants them',
  },
  {
    rule: 'CKV_AWS_21',
    place: /ServerlessDeploymentBucket$/,
    reason: 'holds packages, which are made again from the repository at any time',
  },
];

export const acceptedOfWorkflows: AcceptedFinding[] = [
  {
    rule: 'CKV_GHA_7',
    place: /deploy\.yml on\(deploy\)$/,
    reason:
      'the stage and the region are what a deployment is asked for; neither has a part in what is built',
  },
];

/** Of templates whose parameters name what is in the account. */
export const acceptedOfPlain: AcceptedFinding[] = [
  {
    rule: 'W1033',
    place: /./,
    reason: 'the branch of a stage in a VPC, which is not taken where its parameters are empty',
  },
  {
    rule: 'W1001',
    place: /^ingestion Resources\/AlarmSubscription\//,
    reason: 'of a stage with an address and a topic of others at once, which CloudFormation refuses by it',
  },
  { rule: 'W3005', place: /LambdaFunction\/DependsOn/, reason: 'osls names every role that a function uses' },
  { rule: 'W8003', place: /Conditions\//, reason: 'what the project says of the stage is in the template' },
];
