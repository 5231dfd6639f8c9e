import { openLook } from '../../../cli/console/look.ts';
import { readPageFiles } from '../../../cli/console/page-files.ts';
import { type ConsoleOptions, startConsole } from '../../../cli/console/start.ts';
import type { OptionValues } from '../../../cli/options/site-options.ts';
import { type ConsoleClient, connectToConsole } from '../../helpers/processes/console-client.ts';

/** A console in this process. */
export interface ConsoleUnderTest extends ConsoleClient {
  close(): Promise<void>;
}

/** Starts the console of a data folder. */
export const startConsoleOn = (
  data: string,
  options: Partial<ConsoleOptions> = {},
): Promise<ConsoleUnderTest> => startConsoleAt({ data }, options);

/** Starts the console of the place that the options name. */
export async function startConsoleAt(
  values: OptionValues,
  options: Partial<ConsoleOptions> = {},
): Promise<ConsoleUnderTest> {
  const look = await openLook(values);
  const { url, close } = await startConsole(look, {
    port: 0,
    host: '127.0.0.1',
    files: await readPageFiles(),
    maxLagSeconds: undefined,
    allowsActions: false,
    ...options,
  });
  return { ...connectToConsole(url), close };
}
