import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';

// Makes the screenshots of docs/console.md and README.md: `npm run screenshots`. It runs the sample shop for a minute, and
// needs a Chromium.

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'cli/starlift.js');
const folder = join(root, 'docs/images');
const patienceMs = 120_000;
const query = [
  'select d.month, d.month_name, sum(f.units_sold) as units',
  'from fact_sales_order_current f',
  'join dim_date d on d.date_id = f.created_date',
  'where d.year = 2025',
  'group by 1, 2 order by 1',
].join('\n');

const data = mkdtempSync(join(tmpdir(), 'starlift-screenshots-'));
chmodSync(data, 0o711);
// The page shows the commands with its folder, which is to be the usual one.
const shown = join(data, 'shop');
mkdirSync(shown, { mode: 0o711 });
const watch = spawn(process.execPath, [program, 'run', '--watch', '--console', '--every', '5'], {
  cwd: shown,
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const link = await findLink();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    mkdirSync(folder, { recursive: true });
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(patienceMs);
    await page.goto(link);
    await page.getByRole('heading', { name: 'Nothing needs attention.' }).waitFor();
    // A few runs to show.
    await page.getByRole('row').nth(5).waitFor();
    await keep(page, 'console-overview');
    await goTo(page, link, `/sql?${new URLSearchParams({ query }).toString()}`);
    await page.getByRole('img').waitFor();
    await keep(page, 'console-sql');
    sql('alter table dim_staff add constraint no_more_staff check (staff_id > 1000) not valid');
    sql("update staff set first_name = 'Ada', last_updated = now() where staff_id = 1", '--source');
    await goTo(page, link, '/');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByText('no_more_staff').waitFor();
    await keep(page, 'console-attention');
  } finally {
    await browser.close();
  }
} finally {
  watch.kill('SIGINT');
  await new Promise((resolve) => watch.once('exit', resolve));
  rmSync(data, { recursive: true, force: true });
}

function findLink(): Promise<string> {
  return new Promise((resolve, reject) => {
    watch.once('exit', () => reject(new Error('the watch has ended')));
    createInterface({ input: watch.stdout }).on('line', (line) => {
      const [link] = /http:\/\/127\.0\.0\.1:\d+\/#\S+/.exec(line) ?? [];
      if (link !== undefined) resolve(link);
    });
  });
}

async function goTo(page: Page, link: string, path: string): Promise<void> {
  const { origin, hash } = new URL(link);
  await page.goto(`${origin}${path}${hash}`);
}

async function keep(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(folder, `${name}.png`) });
  console.log(`docs/images/${name}.png`);
}

function sql(statement: string, ...options: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [program, 'sql', '--write', ...options, statement], {
    cwd: shown,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}
