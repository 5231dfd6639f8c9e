import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a stage has and the embedded cloud lacks. */
export interface StageFrontOptions {
  /** The stacks' outputs by the stack's name. */
  stacks: Record<string, Record<string, string>>;
  /** The plan function; what it throws is what the function failed of. */
  plan(): Promise<unknown>;
}

/**
 * CloudFormation and Lambda in front of the embedded cloud, as far as the commands ask them; CloudWatch, which knows
 * nothing. The deploy test has the same commands on a stage that is really deployed.
 */
export async function startStageFront(options: StageFrontOptions) {
  const server = createServer((request, response) => void answer(request, response, options));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    environment: {
      AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint,
      AWS_ENDPOINT_URL_LAMBDA: endpoint,
      AWS_ENDPOINT_URL_CLOUDWATCH: endpoint,
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { stacks, plan }: StageFrontOptions,
): Promise<void> {
  const body = await text(request);
  if (/\/functions\/[^/]+\/invocations$/.test(request.url ?? '')) return answerInvoke(response, plan);
  const form = new URLSearchParams(body);
  const action = form.get('Action');
  if (action === 'GetTemplate' || action === 'ListStackResources') return answerEmpty(response, action);
  if (action === 'DescribeStacks') return answerStack(response, stacks, form.get('StackName'));
  // CloudWatch, without datapoints.
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
  response.end('{}');
}

/** What the commands of a stage would stop, start and look at, is of the embedded cloud's process here. */
function answerEmpty(response: ServerResponse, action: string): void {
  const result = action === 'GetTemplate' ? '<TemplateBody>{"Resources":{}}</TemplateBody>' : '';
  response.setHeader('content-type', 'text/xml');
  response.end(`<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`);
}

async function answerInvoke(response: ServerResponse, plan: () => Promise<unknown>): Promise<void> {
  try {
    response.end(JSON.stringify(await plan()));
  } catch (error) {
    const { name, message } = error as Error;
    response.writeHead(200, { 'x-amz-function-error': 'Unhandled' });
    response.end(JSON.stringify({ errorType: name, errorMessage: message }));
  }
}

function answerStack(
  response: ServerResponse,
  stacks: StageFrontOptions['stacks'],
  name: string | null,
): void {
  const outputs = stacks[name ?? ''];
  response.setHeader('content-type', 'text/xml');
  if (outputs === undefined) {
    response.statusCode = 400;
    response.end(
      `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>` +
        `<Message>Stack with id ${name} does not exist</Message></Error></ErrorResponse>`,
    );
    return;
  }
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  response.end(
    `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>${name}</StackName>` +
      `<Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  );
}
