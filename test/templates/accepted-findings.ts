/** A finding that stands, and why. One without a reason is not possible; one that nothing is found for fails. */
export interface AcceptedFinding {
  rule: string;
  /** Of the finding's place. */
  place: RegExp;
  reason: string;
}

export const acceptedByCfnLint: AcceptedFinding[] = [
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
    rule: 'W3005',
    place: /^\w+ Resources\/\w+LambdaFunction\/DependsOn/,
    reason: 'osls writes a function’s dependency on its role, though the reference to the role implies it',
  },
];

export const acceptedByCheckov: AcceptedFinding[] = [
  {
    rule: 'CKV_AWS_27',
    place: /Queue$/,
    reason:
      'encrypted with keys that SQS manages, which checkov does not look at; S3 cannot send to a queue under AWS’s own KMS key, and a key of our own would cost for every call',
  },
  {
    rule: 'CKV_AWS_26',
    place: /^ingestion AlarmTopic$/,
    reason:
      'CloudWatch cannot publish to a topic under AWS’s own key for SNS; no alarm or event holds a row’s values',
  },
  {
    rule: 'CKV_AWS_149',
    place: /^(ingestion SourceSecret|loading WarehouseSecret)$/,
    reason: 'encrypted with AWS’s own key; who has a key of their own names a secret of their own by its ARN',
  },
  {
    rule: 'CKV_AWS_158',
    place: /LogGroup$/,
    reason: 'encrypted by CloudWatch Logs itself; logs hold no row’s values and nothing secret',
  },
  {
    rule: 'CKV_AWS_173',
    place: /LambdaFunction$/,
    reason: 'the environment holds names of resources and no secret; Lambda encrypts it with AWS’s own key',
  },
  {
    rule: 'CKV_AWS_116',
    place: /(Extract|Transform|Load)LambdaFunction$/,
    reason:
      'invoked by SQS, whose queues have their dead-letter queues; this one is for asynchronous invocations',
  },
  {
    rule: 'CKV_AWS_116',
    place: /(Plan|Sweep|Freshness)LambdaFunction$/,
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
