import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makeOffers, splitWords } from '../../../cli/console/answers/act.ts';
import { isMending } from '../../../cli/console/answers/mending.ts';
import { quoteForShell } from '../../../cli/terminal/wording.ts';

const signal = new AbortController().signal;

describe('what the console runs', () => {
  const makeOffered = (allowsActions: boolean) => {
    const ran: string[][] = [];
    const offers = makeOffers(allowsActions, async (words) => {
      ran.push([...words]);
      return { code: 0, output: 'done' };
    });
    return { ran, ...offers };
  };

  it('is nothing without --allow-actions', async () => {
    const { ran, offer, act } = makeOffered(false);
    offer({ command: 'npx starlift redrive' });
    await expect(act('npx starlift redrive', signal)).rejects.toThrow('start it with --allow-actions');
    expect(ran).toEqual([]);
  });

  it('is a command that it has shown, and no other', async () => {
    const { ran, offer, act } = makeOffered(true);
    const command = "npx starlift redrive --table 'my table' --data /a";
    const answer = { troubles: [{ command, text: 'npx' }], other: ['npx starlift run', 'rm -rf /', null, 1] };
    expect(offer(answer)).toBe(answer);
    expect(await act(command, signal)).toEqual({ code: 0, output: 'done' });
    expect(ran).toEqual([['redrive', '--table', 'my table', '--data', '/a']]);
    for (const other of [
      `${command} --all`,
      'npx starlift redrive',
      'npx starlift run',
      'rm -rf /',
      undefined,
      { command },
    ])
      await expect(act(other, signal)).rejects.toMatchObject({ exitCode: 2 });
    expect(ran).toHaveLength(1);
  });

  it('forgets what it has shown long ago', async () => {
    const { offer, act } = makeOffered(true);
    offer('npx starlift redrive --table first');
    for (let index = 0; index < 2000; index++) offer(`npx starlift redrive --table t${index}`);
    await expect(act('npx starlift redrive --table first', signal)).rejects.toThrow(
      'not one that the console',
    );
    expect(await act('npx starlift redrive --table t1999', signal)).toMatchObject({ code: 0 });
  });

  it.each([
    ['npx starlift deletes apply --table dim_staff', true],
    ['npx starlift failures drop --message x', true],
    ['npx starlift failures', false],
    ['npx starlift run', false],
    ["npx starlift sql 'drop table x' --write", false],
    ['npx starlift rebind --yes', false],
    ['ps -o pid -p 1', false],
    ['redrive', false],
  ])('mends, or is left to be copied: %s', (command, mends) => {
    expect(isMending(command)).toBe(mends);
  });

  it('splits a command into the words that it was made of', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), (words) => {
        expect(splitWords(words.map(quoteForShell).join(' '))).toEqual(words);
      }),
    );
    expect(splitWords('sql "select 1" --data /a')).toEqual(['sql', 'select 1', '--data', '/a']);
  });
});
