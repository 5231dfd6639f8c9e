import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { parseCommand } from '../../../cli/parse-command.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';

const terminal = makeTerminal(new PassThrough(), new PassThrough(), false);
const runCommand = async (line: string) => (await parseCommand(line.split(' ')))(terminal);

describe('wrong usage of an operator command', () => {
  // Each is refused before any stack is started: there is nothing to start in this folder.
  it.each([
    ['failures --queue loading', '--queue loading is not one of extract, transform, load'],
    ['failures extra', 'failures extra: the actions are failures (list) and failures drop'],
    ['failures drop', /^say which failures to drop: /],
    ['replay', '--table is missing: it names the table to replay'],
    ['replay --table payment --zone raw', '--zone raw is neither ingested nor processed'],
    ['replay --table payment --from 2026-02-30', '--from 2026-02-30 is not a date (expected YYYY-MM-DD)'],
    ['replay --table payment --to yesterday', '--to yesterday is not a date (expected YYYY-MM-DD)'],
    [
      'replay --table payment --from 2026-02-02 --to 2026-02-01',
      '--from 2026-02-02 is after --to 2026-02-01',
    ],
    ['quarantine forget', /^quarantine forget: the actions are quarantine /],
    ['quarantine --file k', '--file is only for quarantine release and quarantine drop'],
    ['quarantine --key 5', '--key is only for quarantine drop'],
    ['quarantine release --table payment --key 5', '--key is only for quarantine drop'],
    ['quarantine drop', '--table is missing: it names the table to drop rows of'],
    ['quarantine release', '--table is missing: it names the table to release'],
    ['status --region eu-west-1', '--region is only for --stage'],
    ['status --stage dev --data d', /^--data cannot be combined with --stage: /],
    ['failures --stage dev --warehouse postgres:', /^--warehouse cannot be combined with --stage: /],
    ['verify --stage dev --source postgres:', /^--source cannot be combined with --stage: /],
    ['verify --stage dev --data d', /^--data cannot be combined with --stage: /],
    ['sql --stage dev --data d', /^--data cannot be combined with --stage: /],
    ['publish --stage dev --data d', /^--data cannot be combined with --stage: /],
    ['run --stage dev --watch', /^--watch cannot be combined with --stage: /],
    ['run --stage dev --every 5', /^--every cannot be combined with --stage: /],
    ['run --stage Dev_1', /^--stage Dev_1 is not a stage name/],
    ['secrets', /^secrets expects `put source` or `put warehouse`/],
    ['secrets put lake --stage dev', /^secrets expects `put source` or `put warehouse`/],
    ['secrets put source', '--stage is missing: it names the stage whose secret to put'],
  ])('%s', async (line, message) => {
    await expect(runCommand(line)).rejects.toMatchObject({
      exitCode: 2,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
  });
});
