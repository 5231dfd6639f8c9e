import type { Snapshot } from '../../answers/api.ts';

/** The console's link holds it behind its #, which browsers send to no server. */
const token = (): string => window.location.hash.slice(1);

/** Whether the page was opened by a whole link. */
export const hasToken = (): boolean => token() !== '';

/** A link within the page. */
export const linkTo = (path: string): string => `${path}#${token()}`;

/** What the console answers to a question, or why not. */
export class AnswerError extends Error {}

/** @throws {AnswerError} why the console has no answer, in one line */
export async function ask<T>(
  path: string,
  parameters: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<T> {
  const query = new URLSearchParams(parameters).toString();
  return receive<T>(`/api/${path}${query === '' ? '' : `?${query}`}`, signal === undefined ? {} : { signal });
}

/** @throws {AnswerError} */
export const send = <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
  receive<T>(`/api/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  });

async function receive<T>(path: string, init: RequestInit): Promise<T> {
  const response = await request(path, init);
  const answer = (await response.json().catch(() => undefined)) as T | { error: string };
  if (response.ok) return answer as T;
  throw new AnswerError((answer as { error?: string })?.error ?? `HTTP ${response.status}`);
}

async function request(path: string, init: RequestInit): Promise<Response> {
  const headers = { authorization: `Bearer ${token()}`, 'content-type': 'application/json' };
  try {
    return await fetch(path, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new AnswerError('the console does not answer: is starlift console still running?');
  }
}

export interface Listener {
  onSnapshot(snapshot: Snapshot): void;
  /** Why no snapshots come. They are tried for again. */
  onSilence(reason: string): void;
}

const longestPauseMs = 10_000;

/**
 * Receives snapshots for as long as the page is open. Not by EventSource: it can send no header, and the token is not to
 * stand in a URL that servers see.
 */
export async function listen({ onSnapshot, onSilence }: Listener): Promise<never> {
  let pauseMs = 500;
  for (;;) {
    try {
      const response = await request('/api/events', {});
      if (!response.ok || response.body === null) {
        const { error } = (await response.json()) as { error: string };
        throw new AnswerError(error);
      }
      for await (const data of readEvents(response.body)) {
        pauseMs = 500;
        onSnapshot(JSON.parse(data) as Snapshot);
      }
      throw new AnswerError('the console has ended');
    } catch (error) {
      onSilence(error instanceof AnswerError ? error.message : 'the console has ended');
    }
    await new Promise((resolve) => window.setTimeout(resolve, pauseMs));
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  }
}

/** The data of server-sent events, of one line each. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + decoder.decode(value, { stream: true })).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) if (event.startsWith('data: ')) yield event.slice('data: '.length);
  }
}
