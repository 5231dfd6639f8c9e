import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';

export interface AwsOptions {
  /** S3 at `endpoint/bucket` in place of `bucket.endpoint`: for endpoints without wildcard DNS. */
  forcePathStyle: boolean;
  /** Where the SDK is not to find endpoint, region and credentials in the environment by itself. */
  connection?: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
  };
  /** By default requestTimeouts. */
  requestHandler?: RequestTimeouts;
}

/** In milliseconds. */
export interface RequestTimeouts {
  connectionTimeout: number;
  /** Without a byte in either direction. The SDK counts from 3 s after the request on, where this is 6 s or more. */
  socketTimeout: number;
}

/**
 * The SDK has no timeouts of its own, and waits forever for a half-open connection. It tries three times, which take
 * less than half a minute. Not of the whole request: that would depend on its size and on the line.
 */
export const requestTimeouts: RequestTimeouts = { connectionTimeout: 5000, socketTimeout: 6000 };

export interface AwsClients {
  s3: S3Client;
  sqs: SQSClient;
  secretsManager: SecretsManagerClient;
  eventBridge: EventBridgeClient;
}

/** Makes clients for one endpoint, with timeouts. */
export const makeAwsClients = ({
  forcePathStyle,
  connection = undefined,
  requestHandler = requestTimeouts,
}: AwsOptions): AwsClients => {
  const options = { ...connection, requestHandler };
  const clients = {
    s3: withUnsignedBodies(new S3Client({ ...options, forcePathStyle })),
    sqs: new SQSClient(options),
    secretsManager: new SecretsManagerClient(options),
    eventBridge: new EventBridgeClient(options),
  };
  // Around each attempt.
  const around = { step: 'finalizeRequest', priority: 'low', name: 'nameSilentHost' } as const;
  clients.s3.middlewareStack.add(nameSilentHost, around);
  clients.sqs.middlewareStack.add(nameSilentHost, around);
  clients.secretsManager.middlewareStack.add(nameSilentHost, around);
  clients.eventBridge.middlewareStack.add(nameSilentHost, around);
  return clients;
};

/** What the SDK throws for a host that gives no answer: by its name, or by the system's code. */
const silences = new Set([
  'TimeoutError',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The SDK's own errors do not say which service it was: in a VPC without an endpoint for it, nothing else would. */
const nameSilentHost =
  <Args extends { request: unknown }, Output>(next: (args: Args) => Promise<Output>) =>
  async (args: Args): Promise<Output> => {
    try {
      return await next(args);
    } catch (error) {
      const { hostname } = args.request as { hostname: string };
      const { name, code } = error as { name?: unknown; code?: unknown };
      if (error instanceof Error && (silences.has(String(name)) || silences.has(String(code)))) {
        error.message = `${hostname} does not answer: ${error.message}`;
      }
      throw error;
    }
  };

/**
 * Bodies are guarded by their CRC32, which the SDK sends and S3 compares, and by TLS. The SHA-256 that the SDK would
 * also sign takes a function's only thread much longer than the CRC32.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 */
function withUnsignedBodies(s3: S3Client): S3Client {
  s3.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      // A stream has said its own.
      headers['x-amz-content-sha256'] ??= 'UNSIGNED-PAYLOAD';
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'unsignedBodies' },
  );
  return s3;
}

const shared = new Map<string, AwsClients>();

/**
 * Returns the same clients to all handlers of a process that use the same endpoint, so that they share connections and
 * credentials. In Lambda a process has one handler; on one machine it has several.
 */
export function shareAwsClients({
  forcePathStyle,
  awsEndpoint,
}: Pick<AwsOptions, 'forcePathStyle'> & { awsEndpoint: string | undefined }): AwsClients {
  const name = JSON.stringify([forcePathStyle, awsEndpoint]);
  const clients = shared.get(name) ?? makeAwsClients({ forcePathStyle });
  shared.set(name, clients);
  return clients;
}
