import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { timeOfRun } from '../../shared/object-store/object-key.ts';
import { account, region } from './intrinsics.ts';

/** One call of AWS, as IAM sees it. */
export interface AwsCall {
  /** Who has called: the access key of the request. */
  caller: string;
  /** The IAM action, such as s3:PutObject. */
  action: string;
  /** The ARN that it was for. */
  resource: string;
}

export interface RecordingProxy {
  endpoint: string;
  calls: AwsCall[];
  /** From now on the caller's requests to a service are answered with 503, until it is undefined. */
  refuse: { caller: string; service: string } | undefined;
  stop(): Promise<void>;
}

/** Stands before the embedded cloud, writes down who calls what, and makes listed objects old. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const calls: AwsCall[] = [];
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    const scope = /Credential=([^/]+)\/\d+\/[^/]+\/(\w+)\//.exec(request.headers.authorization ?? '') ?? [];
    const [, caller = '', service = ''] = scope;
    if (proxy.refuse?.caller === caller && proxy.refuse.service === service) {
      response.writeHead(503).end();
      return;
    }
    const answer = await fetch(`${target}${request.url}`, {
      method: request.method ?? 'GET',
      headers: forwarded(request),
      ...(body.length > 0 && { body: new Uint8Array(body) }),
    });
    const content = Buffer.from(await answer.arrayBuffer());
    for (const call of describeCall(service, request, body, answer.status)) calls.push({ caller, ...call });
    const isListing = service === 's3' && request.url?.includes('list-type=2');
    const text = isListing ? makeOld(content.toString()) : content;
    const headers = new Headers(answer.headers);
    for (const name of ['content-length', 'transfer-encoding', 'connection', 'content-encoding'])
      headers.delete(name);
    // An answer to HEAD tells a length of what it does not hold.
    const length = request.method === 'HEAD' ? answer.headers.get('content-length') : Buffer.byteLength(text);
    response.writeHead(answer.status, {
      ...Object.fromEntries(headers),
      'content-length': String(length ?? 0),
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: RecordingProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ calls, refuse: undefined },
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}

/** Each object of a listing is as old as the run in its name says, and an hour old at least. */
function makeOld(listing: string): string {
  const hourAgo = new Date(Date.now() - 3_600_000);
  return listing.replaceAll(/<Contents>.*?<\/Contents>/gs, (contents) => {
    const [run] = /(?<=<Key>[^<]*)\d{8}T\d{9}Z\w{4}(?=[^<]*<\/Key>)/.exec(contents) ?? [];
    const planned = run === undefined ? hourAgo : timeOfRun(run);
    const old = planned < hourAgo ? planned : hourAgo;
    return contents.replace(/(?<=<LastModified>)[^<]+/, old.toISOString());
  });
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function forwarded({ headers }: IncomingMessage): Headers {
  const result = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    const isOfConnection = ['host', 'connection', 'content-length', 'transfer-encoding', 'expect'].includes(
      name,
    );
    if (!isOfConnection && value !== undefined) result.set(name, String(value));
  }
  return result;
}

type Described = Omit<AwsCall, 'caller'>;

/** https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html */
function describeCall(service: string, request: IncomingMessage, body: Buffer, status: number): Described[] {
  if (service === 's3') return describeS3(request, status);
  const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
  const input = JSON.parse(body.toString()) as Record<string, string>;
  // A batch is no action of its own.
  const action = `${service}:${operation.replace(/Batch$/, '')}`;
  const arn = (rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
  if (service === 'sqs') return [{ action, resource: arn(String(input.QueueUrl).split('/').at(-1) ?? '') }];
  if (service === 'secretsmanager') return [{ action, resource: arn(`secret:${input.SecretId}-AbCdEf`) }];
  if (service === 'events') return [{ action, resource: arn('event-bus/default') }];
  throw new Error(`not known: ${service}`);
}

function describeS3({ method = '', url = '' }: IncomingMessage, status: number): Described[] {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [bucket = '', ...rest] = decodeURIComponent(pathname).slice(1).split('/');
  const list = { action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}` };
  if (searchParams.get('list-type') === '2') return [list];
  const verb = { GET: 'GetObject', HEAD: 'GetObject', PUT: 'PutObject', DELETE: 'DeleteObject' }[method];
  if (verb === undefined) throw new Error(`not known: ${method} ${url}`);
  const call = { action: `s3:${verb}`, resource: `arn:aws:s3:::${bucket}/${rest.join('/')}` };
  // Without the right to list, S3 says 403 of an object that is not there:
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
  return status === 404 ? [call, list] : [call];
}
