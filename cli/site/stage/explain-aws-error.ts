import { UsageError } from '../../terminal/usage-error.ts';

/** How AWS' services refuse credentials, each in words of its own. */
const refusedCredentials = new Set([
  'AuthFailure',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);

interface AwsError {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  $metadata?: { httpStatusCode?: number };
}

/**
 * Says in one line what keeps a command from AWS: no region, no credentials, no rights, no way there.
 *
 * @returns undefined for an error of another kind
 */
export function explainAwsError(error: unknown): UsageError | undefined {
  const { name, message, code, $metadata } = (error ?? {}) as AwsError;
  const text = firstLine(message);
  const explain = (line: string) => new UsageError(line, { cause: error });
  if (/^Region is missing|^Region not accepted: region=""/.test(text)) {
    return explain('no AWS region: name it by --region, AWS_REGION or in the AWS profile');
  }
  if (text.startsWith('Region not accepted'))
    return explain('--region (or AWS_REGION) is no name of a region');
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    return explain(`no AWS credentials: ${text}`);
  }
  if ($metadata === undefined) return undefined;
  if (refusedCredentials.has(String(name))) return explain(`AWS refuses the credentials: ${text}`);
  if (/^AccessDenied/.test(String(name)) || $metadata.httpStatusCode === 403) {
    return explain(`AWS refuses it: ${text === '' ? String(name) : text}`);
  }
  // A timeout of the SDK's own has no code.
  if ($metadata.httpStatusCode === undefined && (typeof code === 'string' || name === 'TimeoutError')) {
    const reason = text.replace(/^@smithy\S* - /, '') || String(code);
    return explain(`AWS cannot be reached: ${reason}; is the region right?`);
  }
  return undefined;
}

const firstLine = (message: unknown): string => String(message ?? '').split('\n')[0] ?? '';
