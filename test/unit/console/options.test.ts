import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { parseCommand } from '../../../cli/parse-command.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';

const terminal = makeTerminal(new PassThrough(), new PassThrough(), false);
const refusalOf = async (...argv: string[]): Promise<unknown> => {
  const command = await parseCommand(argv);
  return command(terminal).catch((error: unknown) => error);
};

describe('options of the console', () => {
  it.each([
    [['run', '--open'], '--open is only for --console'],
    [['run', '--watch', '--port', '1'], '--port is only for --console'],
    [['run', '--watch', '--allow-actions'], '--allow-actions is only for --console'],
    [['run', '--console'], '--console needs --watch: starlift console shows what a single run has done'],
    [
      ['run', '--watch', '--console', '--port', '70000'],
      '--port 70000 is not a port (expected a whole number up to 65535)',
    ],
    [['run', '--stage', 'dev', '--console'], '--console cannot be combined with --stage'],
    [['run', '--watch', '--host', '0.0.0.0'], '--host is only for --console'],
    [
      ['run', '--watch', '--console', '--host', 'example.com'],
      '--host example.com is not an IPv4 address (expected one to listen on, such as 0.0.0.0 in a container)',
    ],
    [
      ['run', '--watch', '--console', '--host', '0.0.0.0', '--allow-actions'],
      '--allow-actions cannot be combined with --host 0.0.0.0: a console that other machines reach runs no commands',
    ],
    [
      ['console', '--host', '0.0.0.0', '--allow-actions'],
      '--allow-actions cannot be combined with --host 0.0.0.0',
    ],
    [['console', '--port', 'x'], '--port x is not a port (expected a whole number up to 65535)'],
    [['console', '--max-lag', 'x'], '--max-lag x is no duration'],
    [['console', '--data', '/nowhere/at/all'], 'there is no such data folder'],
  ])('%j is refused by name', async (argv, message) => {
    expect(await refusalOf(...argv)).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(message),
    });
  });
});
