import { existsSync } from 'node:fs';
import { afterAll, describe } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const programs = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where the machine has a browser; undefined where it has none. */
export const findChromium = (): string | undefined =>
  programs.find((path) => path !== undefined && existsSync(path));

/**
 * Like `describe`, for tests in a real browser. Without one they are skipped, and say so; in CI that is a failure.
 *
 * @throws {Error} CI has no browser
 */
export function describeInBrowser(name: string, tests: (open: OpenPage) => void): void {
  const program = findChromium();
  if (program === undefined) {
    if (process.env.CI) throw new Error('CI must have a browser: .ci/run installs chromium');
    process.stderr.write(
      `\nNOT TESTED: ${name}. This machine has no Chromium: install it, or name it by CHROMIUM.\n\n`,
    );
    describe.skip(name, () => tests(() => Promise.reject(new Error('there is no browser'))));
    return;
  }
  describe(name, () => {
    let browser: Promise<Browser> | undefined;
    const complaints: string[] = [];
    afterAll(async () => {
      await (await browser)?.close();
      if (complaints.length > 0) throw new Error(`the page has complained:\n${complaints.join('\n')}`);
    });
    tests(async (options) => {
      // Chromium's own sandbox does not work as root.
      browser ??= chromium.launch({
        executablePath: program,
        args: ['--no-sandbox', '--disable-dev-shm-usage'],
      });
      const page = await (await browser).newPage(options);
      page.on('pageerror', ({ message }) => complaints.push(message));
      // Also of what its own policy has kept from it.
      page.on('console', (message) => {
        if (message.type() === 'error' && !isExpected(message.text())) complaints.push(message.text());
      });
      return page;
    });
  });
}

/** Of an answer that says what is wrong, the browser makes a line of its own. */
const isExpected = (text: string): boolean => text.startsWith('Failed to load resource');

export type OpenPage = (options?: BrowserContextOptions) => Promise<Page>;
