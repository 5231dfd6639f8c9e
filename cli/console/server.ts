import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageError } from '../terminal/usage-error.ts';
import type { Snapshot } from './answers/api.ts';
import { type ApiRequest, ForbiddenError } from './answers/request.ts';
import { refuse, securityHeaders } from './guard.ts';
import type { LiveFeed } from './live.ts';
import type { PageFiles } from './page-files.ts';

/** Answers by method and path, such as `GET /api/runs`. */
export type Api = Readonly<Record<string, (request: ApiRequest) => Promise<unknown>>>;

export interface ConsoleServerOptions {
  /** 0: any that is free. */
  port: number;
  /** The address to listen on. */
  host: string;
  token: string;
  files: PageFiles;
  feed: LiveFeed;
  api: Api;
}

export interface ConsoleServer {
  port: number;
  close(): Promise<void>;
}

const maxConnections = 64;
const maxStreams = 16;
const maxBodyBytes = 256 * 1024;
const pingEveryMs = 15_000;
/** A page that takes no more is left out until it does. */
const maxUnsentBytes = 4 * 2 ** 20;

/**
 * Serves the console. On whatever address it listens, it answers to this machine's own names alone.
 *
 * @throws {UsageError} the port is taken or may not be used, or the host is not an address of this machine
 */
export async function startConsoleServer(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const { token, files, feed, api } = options;
  let port = options.port;
  let streams = 0;

  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    const refusal = refuse(request, { port, token });
    if (refusal !== undefined) {
      // What it would send is not read.
      response.setHeader('connection', 'close');
      sendJson(response, refusal.status, { error: refusal.reason });
      return;
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://console');
    if (pathname === '/api/events') {
      if (streams >= maxStreams) sendJson(response, 503, { error: 'too many pages are open' });
      else {
        streams += 1;
        sendEvents(response, feed, () => {
          streams -= 1;
        });
      }
    } else if (pathname.startsWith('/api/')) {
      const answer = api[`${request.method} ${pathname}`];
      if (answer === undefined) sendJson(response, 404, { error: `there is no ${pathname}` });
      else void answerApi(answer, { request, response, parameters: searchParams });
    } else sendFile(response, pathname, files);
  });
  server.maxConnections = maxConnections;
  server.listen({ port, host: options.host });
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be used (${code})`;
    if (code === 'EADDRNOTAVAIL')
      throw new UsageError(`--host ${options.host} is not an address of this machine`, { cause });
    throw new UsageError(`--port ${port} ${why}: choose another one, or leave --port out`, { cause });
  }
  ({ port } = server.address() as AddressInfo);
  return {
    port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface ApiExchange {
  request: IncomingMessage;
  response: ServerResponse;
  parameters: URLSearchParams;
}

async function answerApi(answer: Api[string], { request, response, parameters }: ApiExchange): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  try {
    const body = request.method === 'POST' ? await readBody(request) : undefined;
    sendJson(response, 200, await answer({ parameters, body, signal: left.signal }));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const status = error instanceof ForbiddenError ? 403 : error instanceof UsageError ? 400 : 502;
    sendJson(response, status, { error: message });
  }
}

/** @throws {UsageError} it is too long, or not JSON */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new UsageError(`the body is longer than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch (cause) {
    throw new UsageError('the body is not JSON', { cause });
  }
}

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
function sendEvents(response: ServerResponse, feed: LiveFeed, onEnd: () => void): void {
  response.writeHead(200, { ...securityHeaders, 'content-type': 'text/event-stream; charset=utf-8' });
  const send = (text: string) => {
    if (response.writableLength < maxUnsentBytes) response.write(text);
  };
  send(': the console\n\n');
  const stop = feed.listen((snapshot: Snapshot) => send(`data: ${JSON.stringify(snapshot)}\n\n`));
  const ping = setInterval(() => send(': still here\n\n'), pingEveryMs);
  response.once('close', () => {
    clearInterval(ping);
    stop();
    onEnd();
  });
}

const contentTypes = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
} as const;

/** Every other path is a place in the page, which finds out what it is about. */
function sendFile(response: ServerResponse, pathname: string, files: PageFiles): void {
  const name = pathname === '/page.js' ? 'page.js' : pathname === '/page.css' ? 'page.css' : 'index.html';
  response.writeHead(200, { ...securityHeaders, 'content-type': contentTypes[name] });
  response.end(files[name]);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...securityHeaders, 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(value ?? null));
}
