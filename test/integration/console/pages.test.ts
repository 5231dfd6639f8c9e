import { expect, it, jest } from '@jest/globals';
import type { Page } from 'playwright-core';
import { findBarriers } from '../../helpers/browser/axe.ts';
import { describeInBrowser } from '../../helpers/browser/chromium.ts';
import { keepScreenshot } from '../../helpers/browser/screenshots.ts';
import { OperatedStack } from '../operator/operated-stack.ts';
import { type ConsoleUnderTest, startConsoleOn } from './console-under-test.ts';

jest.setTimeout(240_000);

const patienceMs = 90_000;

/** Each with the heading that it has once it has been told something. */
const pages: readonly [path: string, heading: RegExp][] = [
  ['/', /attention|loaded yet/],
  ['/tables', /^Tables$/],
  ['/tables/fact_payment', /^fact_payment$/],
  ['/runs', /^Runs$/],
  ['/attention', /^Attention$/],
  ['/trace?table=fact_payment&key=3', /^Trace$/],
  ['/sql?query=select%201%20as%20one%20union%20select%202', /^SQL$/],
  ['/model', /^Model$/],
  ['/source', /^Source$/],
];

describeInBrowser('the pages of the console', (open) => {
  /** Opens each page on a stack in one state, and looks at it once it has been told all. */
  async function visit(
    stack: OperatedStack,
    { name, ...options }: { name: string; width?: number; colorScheme?: 'light' | 'dark' },
    look: (page: Page, path: string, text: string) => void | Promise<void>,
    more: readonly string[] = [],
  ): Promise<void> {
    const served: ConsoleUnderTest = await startConsoleOn(stack.data);
    const { width = 1280, colorScheme = 'light' } = options;
    const page = await open({ viewport: { width, height: 900 }, colorScheme });
    page.setDefaultTimeout(patienceMs);
    try {
      for (const [path, heading] of [...pages, ...more.map((path) => [path, /./] as const)]) {
        const url = new URL(path, served.url);
        await page.goto(`${url}#${served.token}`);
        await page.getByRole('heading', { level: 1, name: heading }).waitFor();
        await page.getByText('Looking.', { exact: true }).waitFor({ state: 'detached' });
        const main = page.getByRole('main');
        await keepScreenshot(page, `${name} ${path} ${width}`);
        await look(page, path, (await main.textContent()) ?? '');
        const scrolled = await page.evaluate<number>('document.documentElement.scrollWidth');
        expect([path, scrolled <= width]).toEqual([path, true]);
      }
    } finally {
      await page.close();
      await served.close();
    }
  }

  it('say before the first load that there is nothing yet, and how to begin', async () => {
    const stack = await OperatedStack.start();
    try {
      const texts = new Map<string, string>();
      await visit(stack, { name: 'fresh' }, (_, path, text) => {
        texts.set(path, text);
      });
      expect(texts.get('/')).toContain(`npx starlift run --data ${stack.data}`);
      expect(texts.get('/')).toContain('No plan has found anything yet.');
      expect(texts.get('/runs')).toContain('No plan has found anything yet.');
      expect(texts.get('/tables/fact_payment')).toContain('Nothing was loaded in the last 24 h.');
      expect(texts.get('/attention')).toContain('Nothing has failed for good.');
      expect(texts.get('/source')).toContain('no plan has looked at it yet');
      expect(texts.get('/model')).toContain('department.department_name');
    } finally {
      await stack.stop();
    }
  });

  it('show what was loaded, each without a serious barrier', async () => {
    const stack = await OperatedStack.startLoaded();
    try {
      const [{ key } = { key: '' }] = (
        await stack.json<{ objects: { key: string }[] }>('objects', '--table', 'design')
      ).objects;
      const [{ run } = { run: '' }] = (await stack.json<{ runs: { run: string }[] }>('runs')).runs;
      const texts = new Map<string, string>();
      const look = async (page: Page, path: string, text: string) => {
        texts.set(path, text);
        expect([path, await findBarriers(page)]).toEqual([path, []]);
      };
      await visit(stack, { name: 'working' }, look, [`/runs/${run}`, `/objects/${key}`, '/none']);
      expect(texts.get('/')).toContain('Nothing needs attention.');
      expect(texts.get('/')).toMatch(/fact_payment[\d,]+ rows, \d+ \w+ old/);
      expect(texts.get('/tables/fact_payment')).toMatch(/fact · as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, /);
      expect(texts.get('/trace?table=fact_payment&key=3')).toContain('the warehouse has what the source has');
      expect(texts.get('/sql?query=select%201%20as%20one%20union%20select%202')).toContain('2 rows, 0.');
      expect(texts.get(`/runs/${run}`)).toContain('the first plan');
      expect(texts.get(`/objects/${key}`)).toContain('dim_design, Parquet');
      expect(texts.get('/none')).toContain('There is no such page.');
    } finally {
      await stack.stop();
    }
  });

  it('show what has failed on a small dark screen, each without a serious barrier', async () => {
    const stack = await OperatedStack.startLoaded();
    try {
      await stack.warehouse('alter table dim_design add constraint broken check (false) not valid');
      await stack.source(`update design set file_name = 'x', last_updated = now() where design_id = 2`);
      await stack.source(
        `update payment set payment_date = '2026-99-01', last_updated = now() where payment_id = 3`,
      );
      await stack.run();
      const texts = new Map<string, string>();
      await visit(stack, { name: 'failing', width: 390, colorScheme: 'dark' }, async (page, path, text) => {
        texts.set(path, text);
        expect([path, await findBarriers(page)]).toEqual([path, []]);
      });
      const { troubles } = await stack.json<{ troubles: { text: string; command: string }[] }>('status');
      expect(troubles).toHaveLength(2);
      for (const { text, command } of troubles) {
        expect(texts.get('/')).toContain(text);
        expect(texts.get('/')).toContain(command);
      }
      expect(texts.get('/')).toContain('2 things need attention.');
      expect(texts.get('/attention')).toMatch(/dim_design, load: .*violates check constraint "broken"/);
      expect(texts.get('/attention')).toContain('1 row of fact_payment broke the contract');
      expect(texts.get('/attention')).not.toContain('2026-99-01');
      expect(texts.get('/trace?table=fact_payment&key=3')).toContain('In quarantine: ');
    } finally {
      await stack.stop();
    }
  });

  it('are drawn where the warehouse does not answer, and say so', async () => {
    const stack = await OperatedStack.startLoaded();
    try {
      await stack.warehouse("alter role warehouse password 'another'");
      const texts = new Map<string, string>();
      await visit(stack, { name: 'silent' }, (_, path, text) => {
        texts.set(path, text);
      });
      const refused = 'refused the password of user warehouse';
      expect(texts.get('/')).toMatch(/the warehouse does not answer.*refused the password of user warehouse/);
      expect(texts.get('/')).toContain('last load not known');
      expect(texts.get('/')).toContain('sales_order');
      for (const path of ['/tables/fact_payment', '/runs', '/trace?table=fact_payment&key=3', '/attention'])
        expect(texts.get(path)).toContain(refused);
      expect(texts.get('/sql?query=select%201%20as%20one%20union%20select%202')).toContain(refused);
      expect(texts.get('/source')).toMatch(/the last plan looked at \d{4}-/);
      expect(texts.get('/model')).toContain('department.department_name');
    } finally {
      await stack.stop();
    }
  });
});
