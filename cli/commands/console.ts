import { openLook } from '../console/look.ts';
import { openBrowser } from '../console/open-browser.ts';
import { readPageFiles } from '../console/page-files.ts';
import { startConsole } from '../console/start.ts';
import { isOfThisMachine, parseConsoleOptions } from '../options/console-options.ts';
import { readMaxLag } from '../options/max-lag.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const choice = parseConsoleOptions(values);
    const maxLagSeconds = await readMaxLag(values);
    const look = await openLook(values);
    const files = await readPageFiles();
    const { url, close } = await startConsole(look, { ...choice, files, maxLagSeconds });
    terminal.result(url);
    if (!isOfThisMachine(choice.host))
      terminal.info(
        `It listens on ${choice.host}, and answers to 127.0.0.1:${new URL(url).port} and localhost alone.`,
      );
    const may = choice.allowsActions
      ? 'it may run the commands that it shows'
      : 'it changes nothing (--allow-actions lets it run the commands that it shows)';
    terminal.info(`The console is there for as long as this runs, and ${may}. Press Ctrl-C to stop.`);
    if (values.open === true) openBrowser(url);
    await interruption();
    await close();
    return 0;
  },
};

const interruption = (): Promise<void> =>
  new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve());
  });
