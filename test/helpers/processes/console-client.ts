import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Snapshot } from '../../../cli/console/answers/api.ts';

/** A console, asked as a browser and as nobody's browser would. */
export interface ConsoleClient {
  /** With the token. */
  url: string;
  port: number;
  token: string;
  /** Sends exactly these headers, and the token where it is not told otherwise. */
  send(path: string, options?: SendOptions): Promise<Reply>;
  /** What the console answers to a question. */
  ask<T>(path: string): Promise<T>;
  /** The next snapshot that is as wanted. */
  untilSnapshot(isWanted: (snapshot: Snapshot) => boolean): Promise<Snapshot>;
}

export interface SendOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  withToken?: boolean;
  /** The address that is connected to. */
  address?: string;
}

export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

const snapshotWithinMs = 60_000;

/** @param url as a console prints it */
export function connectToConsole(url: string): ConsoleClient {
  const port = Number(new URL(url).port);
  const token = new URL(url).hash.slice(1);

  const send: ConsoleClient['send'] = async (
    path,
    { method = 'GET', headers = {}, body, withToken = true, address = '127.0.0.1' } = {},
  ) => {
    const sent = request({
      host: address,
      port,
      path,
      method,
      agent: false,
      headers: { ...(withToken && { authorization: `Bearer ${token}` }), ...headers },
    });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
  };

  return {
    url,
    port,
    token,
    send,
    ask: async <T>(path: string) => {
      const reply = await send(path);
      if (reply.status !== 200) throw new Error(`${path}: HTTP ${reply.status} ${reply.text}`);
      return JSON.parse(reply.text) as T;
    },
    untilSnapshot: async (isWanted) => {
      let latest: Snapshot | undefined;
      const asked = request({
        port,
        path: '/api/events',
        agent: false,
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(snapshotWithinMs),
      });
      asked.end();
      try {
        const [response] = (await once(asked, 'response')) as [IncomingMessage];
        let rest = '';
        for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
          const events = (rest + chunk).split('\n\n');
          rest = events.pop() ?? '';
          for (const event of events.filter((each) => each.startsWith('data: '))) {
            latest = JSON.parse(event.slice('data: '.length)) as Snapshot;
            if (isWanted(latest)) return latest;
          }
        }
      } catch (cause) {
        const last = JSON.stringify({ error: latest?.error, troubles: latest?.status?.troubles });
        throw new Error(`the console has sent no such snapshot; its last one: ${last}`, { cause });
      }
      throw new Error('the console has ended');
    },
  };
}
