/** The IAM action of each command that our code sends; a batch is no action of its own. */
const actions: Record<string, string> = {
  GetObjectCommand: 's3:GetObject',
  HeadObjectCommand: 's3:GetObject',
  PutObjectCommand: 's3:PutObject',
  DeleteObjectCommand: 's3:DeleteObject',
  ListObjectsV2Command: 's3:ListBucket',
  SendMessageCommand: 'sqs:SendMessage',
  SendMessageBatchCommand: 'sqs:SendMessage',
  ReceiveMessageCommand: 'sqs:ReceiveMessage',
  DeleteMessageCommand: 'sqs:DeleteMessage',
  ChangeMessageVisibilityCommand: 'sqs:ChangeMessageVisibility',
  ChangeMessageVisibilityBatchCommand: 'sqs:ChangeMessageVisibility',
  GetQueueAttributesCommand: 'sqs:GetQueueAttributes',
  GetSecretValueCommand: 'secretsmanager:GetSecretValue',
  PutEventsCommand: 'events:PutEvents',
};

/** What the SDK brings along for itself: other ways to credentials than Lambda's, and S3 Express. */
const ofTheSdk = new Set([
  'AssumeRoleCommand',
  'AssumeRoleWithWebIdentityCommand',
  'CreateOAuth2TokenCommand',
  'CreateOAuth2TokenWithIAMCommand',
  'CreateSessionCommand',
  'CreateTokenCommand',
  'GetRoleCredentialsCommand',
  'HeadBucketCommand',
]);

/**
 * The IAM actions of the commands in a function's bundle: all that its code could call. What it does not import is
 * not in it, but for the object store, which comes whole.
 *
 * @throws {Error} a command that nobody here knows
 */
export function actionsInBundle(code: string): Set<string> {
  const commands = new Set([...code.matchAll(/"([A-Z]\w+Command)"/g)].map(([, name]) => name ?? ''));
  const own = [...commands].filter((name) => !ofTheSdk.has(name));
  return new Set(own.map((name) => actions[name] ?? fail(`${name} is not known: which action is it?`)));
}

function fail(message: string): never {
  throw new Error(message);
}
