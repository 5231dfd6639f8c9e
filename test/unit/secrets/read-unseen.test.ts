import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { readUnseen } from '../../../cli/commands/secrets.ts';

const makeTerminal = () => {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const output = new PassThrough();
  return { input, output, shown: () => String(output.read() ?? '') };
};

describe('what nobody is to see', () => {
  it('is all that comes by a pipe', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    input.end('postgres://u:s3cret@h/d\n');
    expect(await readUnseen('URL: ', { input, output })).toBe('postgres://u:s3cret@h/d');
    expect(output.read()).toBeNull();
  });

  it('is asked for at a terminal, which does not show it', async () => {
    const { input, output, shown } = makeTerminal();
    const answer = readUnseen('URL: ', { input, output });
    // Typed, mended, and entered.
    input.write('postgres://u:s3cretx\x7f@h/d\r');
    expect(await answer).toBe('postgres://u:s3cret@h/d');
    expect(shown()).toBe('URL: \n');
  });

  it.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('is not given by %s: that ends it', async (_, key) => {
    const { input, output } = makeTerminal();
    const answer = readUnseen('URL: ', { input, output });
    input.write(key);
    await expect(answer).rejects.toMatchObject({
      exitCode: 2,
      message: 'no URL was given: nothing was changed',
    });
  });
});
