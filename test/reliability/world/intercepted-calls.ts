import { S3Client } from '@aws-sdk/client-s3';
import pg from 'pg';
import { currentInvocation, type Invocation } from './invocation.ts';

/** A COPY, as the product hands it to pg. */
interface Copy extends pg.Submittable {
  handleError(error: Error, connection: pg.Connection): void;
}

interface AwsCommand {
  constructor: { name: string };
  input?: { Key?: string; DelaySeconds?: number };
}

type Method = (this: object, ...args: never[]) => unknown;

/**
 * Leads every call that an invocation makes through any AWS or Postgres client by way of that invocation; calls of
 * the test itself go straight through. The handlers and their clients are the product's own, as they are wired there.
 *
 * @returns what puts the clients back as they were
 */
export function interceptCalls(): () => void {
  // S3, SQS, Secrets Manager and EventBridge clients have one base, and its send is what they are called by.
  const awsClient: object = Object.getPrototypeOf(S3Client.prototype);
  const restore = [
    replaceMethod(awsClient, 'send', interceptSend),
    replaceMethod(pg.Client.prototype, 'query', interceptQuery),
    replaceMethod(pg.Client.prototype, 'connect', interceptConnect),
  ];
  return () => {
    for (const step of restore) step();
  };
}

type Intercept = (
  invocation: Invocation,
  target: object,
  args: unknown[],
  original: () => unknown,
) => unknown;

function replaceMethod(prototype: object, name: string, intercept: Intercept): () => void {
  const original = Reflect.get(prototype, name) as Method;
  const replaced = function (this: object, ...args: unknown[]): unknown {
    const invocation = currentInvocation();
    const goOn = () => original.apply(this, args as never[]);
    return invocation === undefined ? goOn() : intercept(invocation, this, args, goOn);
  };
  Reflect.set(prototype, name, replaced);
  return () => void Reflect.set(prototype, name, original);
}

function interceptSend(invocation: Invocation, _client: object, args: unknown[], original: () => unknown) {
  const command = args[0] as AwsCommand;
  // A message that is retried comes back at once, as one that is given back does: nobody waits here.
  if (command.input?.DelaySeconds !== undefined) command.input.DelaySeconds = 0;
  // The run in a key differs every time; its folder says what it is.
  const folder = command.input?.Key?.replace(/\/(\d{4}|[^/]*T\d{9}Z).*/, '') ?? '';
  const name = `${command.constructor.name.replace(/Command$/, '')} ${folder}`.trim();
  return invocation.call(name, async () => original());
}

function interceptQuery(
  invocation: Invocation,
  target: object,
  args: unknown[],
  original: () => unknown,
): unknown {
  const client = target as pg.Client;
  invocation.holds(client);
  const [query] = args;
  if (isCopy(query)) return void copy(invocation, client, query, original);
  const text = typeof query === 'string' ? query : String((query as { text?: unknown }).text);
  return invocation.call(text.trim().replaceAll(/\s+/g, ' ').slice(0, 60), async () => original());
}

const isCopy = (query: unknown): query is Copy => typeof (query as Copy | undefined)?.submit === 'function';

/** A COPY tells its own outcome; what is awaited here is that the server is ready for the next statement. */
async function copy(
  invocation: Invocation,
  client: pg.Client,
  query: Copy,
  original: () => unknown,
): Promise<void> {
  const { connection } = client as pg.Client & { connection: pg.Connection };
  try {
    await invocation.call('copy', async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const isOver = () => resolve();
      connection.once('readyForQuery', isOver).once('end', isOver);
      original();
      await promise;
      connection.off('readyForQuery', isOver).off('end', isOver);
    });
  } catch (error) {
    query.handleError(error as Error, connection);
  }
}

function interceptConnect(
  invocation: Invocation,
  target: object,
  args: unknown[],
  _original: () => unknown,
): unknown {
  const client = target as pg.Client;
  const [callback] = args as [(error?: unknown) => void];
  const connect = () =>
    new Promise<void>((resolve, reject) => {
      invocation.holds(client);
      originalConnect.call(client, (error?: Error) => (error ? reject(error) : resolve()));
    });
  return void invocation.call('connect', connect).then(() => callback(), callback);
}

const originalConnect = pg.Client.prototype.connect as (callback: (error?: Error) => void) => void;
