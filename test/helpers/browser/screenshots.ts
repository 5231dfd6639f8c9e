import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** Keeps what the page looks like, in the folder that STARLIFT_SCREENSHOTS names; CI keeps them with the run. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.STARLIFT_SCREENSHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  const file = `${name.replaceAll(/[^\w]+/g, '-').slice(0, 80)}.png`;
  await page.screenshot({ path: join(folder, file), fullPage: true });
}
