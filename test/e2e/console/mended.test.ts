import { expect, it, jest } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { describeInBrowser } from '../../helpers/browser/chromium.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { seen } from '../../helpers/seen.ts';
import { ask, assertExact } from '../road.ts';
import type { Watch } from '../watch.ts';
import { useWatchedRoad } from '../watched-road.ts';

// Processes of their own and a browser, and the machine may be busy.
jest.setTimeout(300_000);

const patienceMs = 90_000;

describeInBrowser('the console of a watch', (open) => {
  const watched = useWatchedRoad();

  it('shows what is wrong and the command that mends it, and lets go of it when it is mended', async () => {
    const watch = watched.startWatch({}, ['--console', '--allow-actions']);
    const page = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
    page.setDefaultTimeout(patienceMs);
    await page.goto(await linkOf(watch));
    await page.getByRole('heading', { name: 'Nothing needs attention.' }).waitFor();
    expect(await page.title()).toBe('Overview · Nothing needs attention · Starlift');
    await page.getByRole('link', { name: /^fact_sales_order\s*50 rows, \d+ s old/ }).waitFor();

    const { source, warehouse, data } = watched.road;
    await ask(warehouse, 'alter table dim_staff add constraint broken check (staff_id > 1000) not valid');
    await ask(source, `update staff set first_name = 'Ada', last_updated = now() where staff_id = 1`);
    await page.getByRole('heading', { name: '1 thing needs attention.' }).waitFor();
    const cause = page.getByRole('listitem').filter({ hasText: 'npx starlift redrive' });
    expect(await cause.textContent()).toMatch(/dim_staff.*load.*broken/s);
    const command = await copyCommand(page, cause);

    await ask(warehouse, 'alter table dim_staff drop constraint broken');
    await cause.getByRole('button', { name: `Run ${command}` }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.locator('pre').first().textContent()).toBe(command);
    await dialog.getByRole('button', { name: 'Run', exact: true }).click();
    await dialog.getByText(/^Exit code [01]$/).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    // The watch's own sweep may hold the message for a moment.
    await seen(async () => (await runCommand(command.split(' ').slice(2))).code === 0);
    await page.getByRole('heading', { name: 'Nothing needs attention.' }).waitFor();
    await page.getByText(/^since \d{4}-/).waitFor();
    expect(await ask(warehouse, 'select first_name from dim_staff where staff_id = 1')).toEqual([['Ada']]);
    expect((await runCommand(['status', '--data', data])).code).toBe(0);
    await assertExact(watched.road);
  });

  it('ends with its watch, and the page says that it does not answer', async () => {
    const watch = watched.startWatch({}, ['--console']);
    const url = await linkOf(watch);
    const page = await open();
    page.setDefaultTimeout(patienceMs);
    await page.goto(url);
    await page.getByRole('heading', { level: 1, name: 'attention' }).waitFor();
    await watch.end();
    await page.getByRole('alert').filter({ hasText: 'The console' }).waitFor();
    await expect(fetch(new URL('/', url))).rejects.toThrow();
  });
});

async function linkOf(watch: Watch): Promise<string> {
  const link = () => /http:\/\/127\.0\.0\.1:\d+\/#\S+/.exec(watch.output())?.[0];
  await seen(async () => link() !== undefined);
  return link() ?? '';
}

async function copyCommand(page: Page, cause: Locator): Promise<string> {
  await cause.getByRole('button', { name: /^Copy npx starlift/ }).click();
  await cause.getByRole('button', { name: 'Copied' }).or(cause.getByText('Copied')).first().waitFor();
  return page.evaluate<string>('navigator.clipboard.readText()');
}
