import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { CDPSession } from 'playwright-core';
import type { ConsoleInfo, Snapshot } from '../../../cli/console/answers/api.ts';
import type { LiveFeed } from '../../../cli/console/live.ts';
import { readPageFiles } from '../../../cli/console/page-files.ts';
import { startConsoleServer } from '../../../cli/console/server.ts';
import { formatCount } from '../../../cli/terminal/wording.ts';
import { describeInBrowser } from '../../helpers/browser/chromium.ts';
import { seen } from '../../helpers/seen.ts';
import { OperatedStack } from '../operator/operated-stack.ts';
import { startConsoleOn } from './console-under-test.ts';

jest.setTimeout(240_000);

/** Sends what it is told to, as often as it is told to. */
function makeSender() {
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const feed: LiveFeed = {
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh: () => {},
    close: () => {},
  };
  return {
    feed,
    listeners,
    send: (snapshot: Snapshot) => [...listeners].map((listener) => listener(snapshot)),
  };
}

describeInBrowser('a console that is left open', (open) => {
  let stack: OperatedStack;
  beforeAll(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterAll(() => stack?.stop());

  it('does not grow over 1,000 updates of its page', async () => {
    const served = await startConsoleOn(stack.data);
    const snapshot = await served.untilSnapshot(({ status }) => status !== null);
    const info = await served.ask<ConsoleInfo>('/api/info');
    await served.close();
    const { feed, listeners, send } = makeSender();
    const server = await startConsoleServer({
      port: 0,
      host: '127.0.0.1',
      token: 'token',
      files: await readPageFiles(),
      feed,
      api: { 'GET /api/info': async () => info },
    });
    const page = await open();
    page.setDefaultTimeout(90_000);
    try {
      await page.goto(`http://127.0.0.1:${server.port}/#token`);
      await seen(() => listeners.size === 1);
      const cdp = await page.context().newCDPSession(page);
      const update = async (from: number, to: number) => {
        for (let index = from; index < to; index++) {
          send(changed(snapshot, index));
          // As many as a browser draws; all at once it would draw the last one alone.
          if (index % 10 === 9)
            await page
              .getByText(new RegExp(`^${formatCount(index + 1)} rows, `))
              .first()
              .waitFor();
        }
      };
      // What is made once is made by then.
      await update(0, 100);
      const before = await measure(cdp);
      await update(100, 1100);
      const after = await measure(cdp);
      expect(after.nodes - before.nodes).toBeLessThan(200);
      expect(after.listeners - before.listeners).toBeLessThan(50);
      expect(after.heapBytes - before.heapBytes).toBeLessThan(1_500_000);
    } finally {
      await page.close();
      await seen(() => listeners.size === 0);
      await server.close();
    }
  });

  it('leaves no connection and no handle behind, look after look', async () => {
    const served = await startConsoleOn(stack.data);
    const handles = () => process.getActiveResourcesInfo().filter((name) => name !== 'Timeout').length;
    const connections = async () =>
      (
        await stack.warehouse<{ count: number }>(
          "select count(*)::int from pg_stat_activity where datname = 'warehouse'",
        )
      )[0]?.count ?? 0;
    const ask = () =>
      Promise.all(['runs', 'attention', 'table?table=dim_staff'].map((path) => served.ask(`/api/${path}`)));
    for (let index = 0; index < 5; index++) await ask();
    const before = {
      handles: handles(),
      connections: await connections(),
    };
    for (let index = 0; index < 25; index++) await ask();
    await seen(async () => (await connections()) <= before.connections);
    await seen(() => handles() <= before.handles + 4);
    await served.close();
  });
});

/** Everything that a page draws changes. */
const changed = (snapshot: Snapshot, index: number): Snapshot => ({
  ...snapshot,
  isLive: true,
  status: snapshot.status && {
    ...snapshot.status,
    checkedAt: new Date(Date.parse(snapshot.status.checkedAt) + index * 1000).toISOString(),
    tables: snapshot.status.tables.map((table) => ({ ...table, rows: index + 1, ageSeconds: index + 1 })),
    troubles:
      index % 2 === 0
        ? []
        : [
            {
              kind: 'waiting',
              table: 'fact_payment',
              text: `${index} rows wait`,
              command: `npx starlift waiting ${index}`,
            },
          ],
  },
});

async function measure(cdp: CDPSession) {
  await cdp.send('HeapProfiler.enable');
  for (let time = 0; time < 3; time++) await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await cdp.send('Memory.getDOMCounters');
  return { heapBytes: usedSize, nodes, listeners: jsEventListeners };
}
