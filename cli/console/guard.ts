import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Why a request is not answered. */
export interface Refusal {
  status: number;
  reason: string;
}

export interface GuardedRequest {
  method?: string | undefined;
  url?: string | undefined;
  headers: IncomingHttpHeaders;
}

/**
 * Judges a request before anything is read or done for it.
 *
 * A page of another site can make the browser send requests to this machine. By DNS rebinding it can even read the
 * answers, under its own host name: so the name has to be ours. Without the token nothing but the empty page is given.
 *
 * @returns undefined for a request that may be answered
 */
export function refuse(
  { method, url, headers }: GuardedRequest,
  { port, token }: { port: number; token: string },
): Refusal | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const { host = '', origin } = headers;
  if (!hosts.includes(host)) return { status: 403, reason: `this console is not ${host}` };
  if (origin !== undefined && origin !== `http://${host}`)
    return { status: 403, reason: `a page of ${origin} may not ask this console` };
  const isOfApi = url?.startsWith('/api/') === true;
  const site = headers['sec-fetch-site'];
  const isForeign = isOfApi ? site !== 'same-origin' : site !== 'same-origin' && site !== 'none';
  if (site !== undefined && isForeign)
    return { status: 403, reason: 'another site may not ask this console' };
  // An absolute URL would name a host of its own.
  if (url?.startsWith('/') !== true) return { status: 400, reason: 'the path must begin with /' };
  if (method !== 'GET' && !(method === 'POST' && isOfApi))
    return { status: 405, reason: `${method ?? ''} is not allowed here` };
  if (isOfApi && !isToken(headers.authorization, token))
    return { status: 401, reason: 'open the link that starlift console has printed: it holds the token' };
  if (method === 'POST' && headers['content-type'] !== 'application/json')
    return { status: 415, reason: 'the body must be application/json' };
  return undefined;
}

/** In a time that says nothing of the token. */
function isToken(authorization: string | undefined, token: string): boolean {
  const given = Buffer.from(authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** On every answer, refusals included. The page loads its own files and nothing else. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};
