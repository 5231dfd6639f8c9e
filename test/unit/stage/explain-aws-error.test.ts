import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from '@jest/globals';
import { explainAwsError } from '../../../cli/site/stage/find-stage.ts';

const credentials = { accessKeyId: 'a', secretAccessKey: 's3cret' };

/** What the SDK itself says. */
async function errorOf(options: ConstructorParameters<typeof CloudFormationClient>[0]): Promise<unknown> {
  const client = new CloudFormationClient({ maxAttempts: 1, ...options });
  return client.send(new DescribeStacksCommand({})).then(
    () => undefined,
    (error: unknown) => error,
  );
}

const explain = (error: unknown) => ({
  message: explainAwsError(error)?.message,
  exitCode: explainAwsError(error)?.exitCode,
});

const fromAws = (name: string, message: string, httpStatusCode: number) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });

describe('what keeps a command from AWS', () => {
  it('is a region that is no name of one', async () => {
    expect(explain(await errorOf({ region: 'x y', credentials }))).toEqual({
      message: '--region (or AWS_REGION) is not the name of a region',
      exitCode: 2,
    });
  });

  it.each([
    [
      fromAws('ExpiredToken', 'The security token included in the request is expired', 403),
      'AWS refuses the credentials: The security token included in the request is expired',
    ],
    [
      fromAws('AccessDenied', 'User: arn:…:user/eve is not authorized to perform: cloudformation:X', 403),
      'AWS refuses the request: User: arn:…:user/eve is not authorized to perform: cloudformation:X',
    ],
    // S3 answers a HEAD without words.
    [fromAws('403', '', 403), 'AWS refuses the request: 403'],
  ])('is what AWS answers: %s', (error, message) => {
    expect(explain(error)).toEqual({ message, exitCode: 2 });
  });

  it('is a service that accepts the connection and says nothing', async () => {
    const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const requestHandler = { connectionTimeout: 1000, socketTimeout: 100 };
    const error = await errorOf({ region: 'eu-west-2', credentials, endpoint, requestHandler });
    silent.close();
    expect(explain(error)).toEqual({
      message: expect.stringMatching(/^AWS cannot be reached: the request socket timed out after 100 ms/),
      exitCode: 2,
    });
  });

  it('is nothing else: other errors stay what they are', () => {
    for (const error of [new Error('x'), fromAws('NoSuchBucket', 'gone', 404), undefined, null, 'text']) {
      expect(explainAwsError(error)).toBeUndefined();
    }
  });
});
