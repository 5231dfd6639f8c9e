import { once } from 'node:events';
import { connect as connectTo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeOffers } from '../../../cli/console/answers/act.ts';
import type { ConsoleInfo } from '../../../cli/console/answers/api.ts';
import { makeApi } from '../../../cli/console/start.ts';
import type { Status } from '../../../cli/status/status.ts';
import { OperatedStack } from '../operator/operated-stack.ts';
import { type ConsoleUnderTest, startConsoleOn } from './console-under-test.ts';

describe('the console', () => {
  let stack: OperatedStack;
  let served: ConsoleUnderTest;
  beforeAll(async () => {
    stack = await OperatedStack.startLoaded();
    served = await startConsoleOn(stack.data);
  });
  afterAll(async () => {
    await served?.close();
    await stack?.stop();
  });

  /** All that there are, whatever is added. */
  const routes = Object.keys(
    makeApi(
      { look: () => Promise.reject(new Error('not asked')), isLive: () => false, close: async () => {} },
      {
        allowsActions: false,
        feed: { refresh: () => {} },
        offers: makeOffers(false, () => Promise.reject()),
      },
    ),
  ).map((route) => route.split(' '));
  const paths = [...new Set(routes.map(([, path = '']) => path)), '/api/events', '/api/none'];

  it('gives nothing but the empty page without its token', async () => {
    for (const path of paths) {
      for (const authorization of [
        '',
        'Bearer',
        `Bearer ${served.token}x`,
        `Bearer ${served.token.startsWith('x') ? 'y' : 'x'}${served.token.slice(1)}`,
      ]) {
        const reply = await served.send(path, { withToken: false, headers: { authorization } });
        expect([path, reply.status]).toEqual([path, 401]);
        expect(JSON.parse(reply.text)).toEqual({ error: expect.stringContaining('token') });
      }
      // Where a server or a proxy would write it down.
      expect((await served.send(`${path}?token=${served.token}`, { withToken: false })).status).toBe(401);
    }
    const page = await served.send('/', { withToken: false });
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/dim_|fact_|postgres:/);
  });

  it('makes another token each time it starts', async () => {
    const other = await startConsoleOn(stack.data);
    expect(other.token).not.toBe(served.token);
    expect(other.token.length).toBeGreaterThanOrEqual(32);
    await other.close();
  });

  it.each(['evil.example', 'evil.example:80', 'localhost.evil.example', '0.0.0.0', '[::1]'])(
    'answers nothing under the host name %s, by which a site has led a browser here',
    async (name) => {
      const host = name.includes(':80') ? name : `${name}:${served.port}`;
      for (const path of ['/', '/page.js', ...paths]) {
        const { status, text } = await served.send(path, { headers: { host } });
        expect([path, status]).toEqual([path, 403]);
        expect(text).toBe(JSON.stringify({ error: `this console is not ${host}` }));
      }
    },
  );

  it('answers under its own two names, and by no other port', async () => {
    for (const name of ['127.0.0.1', 'localhost']) {
      const reply = await served.send('/api/info', { headers: { host: `${name}:${served.port}` } });
      expect(reply.status).toBe(200);
      expect((await served.send('/api/info', { headers: { host: `${name}:1` } })).status).toBe(403);
    }
  });

  it('answers no page of another site, whatever it knows', async () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { origin: `http://localhost:${served.port}` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ]) {
      expect([headers, (await served.send('/api/info', { headers })).status]).toEqual([headers, 403]);
    }
    const own = { origin: `http://127.0.0.1:${served.port}`, 'sec-fetch-site': 'same-origin' };
    const reply = await served.send('/api/info', { headers: own });
    expect(reply.status).toBe(200);
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('takes no other method, no form, and no long body', async () => {
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH'])
      expect((await served.send('/api/refresh', { method })).status).toBe(405);
    expect((await served.send('/', { method: 'POST', body: 'x' })).status).toBe(405);
    const post = (type: string, body: string) =>
      served.send('/api/refresh', { method: 'POST', body, headers: { 'content-type': type } });
    expect((await post('application/x-www-form-urlencoded', 'a=1')).status).toBe(415);
    expect((await post('text/plain', '{}')).status).toBe(415);
    expect((await post('application/json', '{')).status).toBe(400);
    expect((await post('application/json', JSON.stringify('x'.repeat(300_000)))).status).toBe(400);
    expect((await post('application/json', 'null')).status).toBe(200);
  });

  it('forbids scripts and styles that are not its own, frames, and other hosts, on every answer', async () => {
    for (const path of ['/', '/page.js', '/page.css', '/tables/x', '/api/info', '/api/none']) {
      const { headers } = await served.send(path);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|http|\*/);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
    }
    expect((await served.send('/api/info', { withToken: false })).headers).toHaveProperty(
      'content-security-policy',
    );
    const { text } = await served.send('/');
    expect(text.match(/<script[^>]*>[^<]|<style|style=|\son\w+=/g)).toBeNull();
    const urls = [...(await served.send('/page.js')).text.matchAll(/https?:\/\/[^"'`\s)]+/g)].map(
      ([url]) => url,
    );
    // Names of XML namespaces, and what error messages point to: nothing is loaded from them.
    expect(urls.filter((url) => !/^http:\/\/(www\.w3\.org\/|console$)/.test(url))).toEqual([]);
  });

  it('runs no command, and queries nothing that writes', async () => {
    const post = async (path: string, body: unknown) =>
      served.send(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });
    const command = `npx starlift redrive --data ${stack.data}`;
    const refused = await post('/api/act', { command });
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('--allow-actions')]);
    expect((await post('/api/sql', { query: 'delete from fact_payment' })).status).toBe(400);
    for (const body of [null, [], 'x', { query: {} }, { command: [] }])
      for (const path of ['/api/sql', '/api/act'])
        expect([400, 403]).toContain((await post(path, body)).status);
  });

  it('listens on 127.0.0.1 alone', async () => {
    const socket = connectTo({ host: '127.0.0.2', port: served.port });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });

  it('listens on another address where it is told to, and asks for its name and token there, too', async () => {
    const open = await startConsoleOn(stack.data, { host: '0.0.0.0' });
    const send = (host: string, withToken: boolean) =>
      open.send('/api/info', { address: '127.0.0.2', headers: { host: `${host}:${open.port}` }, withToken });
    expect((await send('127.0.0.1', true)).status).toBe(200);
    expect((await send('127.0.0.1', false)).status).toBe(401);
    expect((await send('127.0.0.2', true)).status).toBe(403);
    expect((await send('0.0.0.0', true)).status).toBe(403);
    await open.close();
    await expect(startConsoleOn(stack.data, { host: '192.0.2.1' })).rejects.toMatchObject({
      exitCode: 2,
      message: '--host 192.0.2.1 is not an address of this machine',
    });
  });

  it('says of status and runs what the commands say, and no password', async () => {
    const snapshot = await served.untilSnapshot(({ status }) => status !== null);
    const printed = await stack.json<Status>('status');
    expect(snapshot).toMatchObject({
      error: null,
      status: { ok: true, troubles: [], isLoaded: true, run: printed.run, queues: printed.queues },
    });
    const rowsOf = (status: Status | null) => status?.tables.map(({ table, rows }) => [table, rows]);
    expect(rowsOf(snapshot.status)).toEqual(rowsOf(printed));
    expect(snapshot.runs).toEqual((await stack.json<{ runs: unknown[] }>('runs')).runs);
    const [object] = (await stack.json<{ objects: { key: string }[] }>('objects', '--limit', '1')).objects;
    const parameters = `table=fact_payment&run=${printed.run?.run}`;
    const gets = routes.filter(([method]) => method === 'GET').map(([, path = '']) => path);
    expect(gets.length).toBeGreaterThanOrEqual(11);
    const answers = await Promise.all(
      gets.map((path) => {
        const key = path === '/api/object' ? (object?.key ?? '') : '3';
        return served.ask(`${path}?${parameters}&key=${key}`);
      }),
    );
    const info = await served.ask<ConsoleInfo>('/api/info');
    expect(info.tables.find(({ name }) => name === 'fact_payment')?.references).toContain('dim_date');
    const said = JSON.stringify([snapshot, answers]);
    for (const url of [stack.sourceUrl, stack.warehouseUrl]) {
      const { password } = new URL(url);
      expect(password.length).toBeGreaterThan(8);
      expect(said).not.toContain(password);
    }
    expect(said).not.toContain('postgres://');
    expect(said).not.toContain(served.token);
  });
});
