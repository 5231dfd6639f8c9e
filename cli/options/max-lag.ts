import { parseDuration } from '../configuration/duration.ts';
import { readSettings } from '../configuration/settings.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { type OptionValues, parseStage } from './site-options.ts';

/**
 * How old the warehouse may be: by --max-lag, else by starlift.yml.
 *
 * @throws {UsageError} --max-lag is no duration
 */
export async function readMaxLag(values: OptionValues): Promise<number | undefined> {
  const option = values['max-lag'];
  if (typeof option !== 'string') {
    // starlift.yml is about the databases of this machine.
    return parseStage(values) === undefined ? (await readSettings({ values })).freshnessSeconds : undefined;
  }
  const seconds = parseDuration(option);
  if (seconds === undefined)
    throw new UsageError(`--max-lag ${option} is no duration: use a number with s, m, h or d, such as 15m`);
  return seconds;
}
