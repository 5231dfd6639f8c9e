import type { CloudServer } from './fauxqs.ts';

/** A failure that the AWS SDK turns into an exception of this name. */
export class JsonServiceError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** One operation: the parsed request body in, the response body out. */
export type Operation = (input: Readonly<Record<string, unknown>>) => object;

/**
 * Answers services that speak AWS' JSON protocol 1.1, next to SQS (1.0) on the same path.
 *
 * @param operations by the value of X-Amz-Target, such as secretsmanager.GetSecretValue
 */
export function addJsonServices(server: CloudServer, operations: Readonly<Record<string, Operation>>): void {
  const contentType = 'application/x-amz-json-1.1';
  server.addHook('preHandler', async (request, reply) => {
    if (request.method !== 'POST' || request.headers['content-type'] !== contentType) return;
    reply.type(contentType);
    try {
      const operation = operations[String(request.headers['x-amz-target'])];
      if (operation === undefined)
        throw new JsonServiceError('UnknownOperationException', 'Not offered here');
      return reply.send(JSON.stringify(operation(parseBody(request.body))));
    } catch (error) {
      if (!(error instanceof JsonServiceError)) throw error;
      const { name, message } = error;
      return reply.code(400).send(JSON.stringify({ __type: name, message, Message: message }));
    }
  });
}

/** @param contentType of a request */
export const isJsonService = (contentType: string): boolean =>
  contentType.startsWith('application/x-amz-json');

/** What a JSON service answers to a request that it cannot serve now, as with a full disk. */
export const internalFailure = (error: Error): string =>
  JSON.stringify({ __type: 'InternalFailure', message: String(error) });

function parseBody(body: unknown): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(String(body));
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new JsonServiceError('SerializationException', 'The body is not a JSON object');
}
