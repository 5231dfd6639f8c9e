import { spawn } from 'node:child_process';

/** Each system's own opener of a URL. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens the page where there is a browser; the URL has been printed in any case. */
export function openBrowser(url: string): void {
  const [program = 'xdg-open', ...before] = openers[process.platform] ?? [];
  const child = spawn(program, [...before, url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
