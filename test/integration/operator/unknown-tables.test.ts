import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OperatedStack } from './operated-stack.ts';

describe('a table that a command cannot work on', () => {
  let stack: OperatedStack;
  beforeAll(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterAll(() => stack?.stop());

  it.each([
    [
      'failures --table nothing',
      /^--table nothing is not a table of the model; the tables are .*payment.*dim_date/,
    ],
    ['rebuild department', /^department is not a warehouse table; /],
    ['resync --table dim_date', /starlift rebuild dim_date brings it back$/],
    ['redrive --table fact', /^--table fact is not a table of the model/],
    ['replay --table dim_date --zone ingested', /^dim_date is made from the dates that facts name/],
    ['replay --table department', /^department ends in the ingested zone/],
    ['waiting --table dim_date', /^--table dim_date: no row ever waits for it$/],
  ])('is refused by its name: %s', async (line, message) => {
    await expect(stack.command(...line.split(' '))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });
});
