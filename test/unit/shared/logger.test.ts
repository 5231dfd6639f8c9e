import { describe, expect, it, jest } from '@jest/globals';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { makeLogger } from '../../../shared/logger.ts';

const serverError = (code: string, message: string) =>
  Object.assign(new Error(message), {
    code,
    severity: 'ERROR',
    detail: 'Failing row contains (7, sesame).',
    where: 'COPY staff, line 1, column first_name: "sesame"',
    internalQuery: 'select sesame',
  });

/** What one error makes of a log line. */
function lineOf(error: Error): string {
  let line = '';
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    line += String(text);
    return true;
  });
  try {
    makeLogger('test').error('it failed', { error });
    return line;
  } finally {
    write.mockRestore();
  }
}

describe('a log line', () => {
  it.each([
    ['23502', 'null value in column "first_name" of relation "staff" violates not-null constraint'],
    ['22P02', 'invalid input syntax for type integer: "sesame"'],
    ['22007', 'invalid input syntax for type date: "open "sesame""'],
    ['22003', 'value "sesame\nsesame" is out of range for type integer'],
  ])('of the server error %s has its code, and no value of a row', (code, message) => {
    const line = lineOf(toPipelineError(serverError(code, message), { table: 'staff', key: 'k' }));
    expect(JSON.parse(line)).toMatchObject({
      message: 'it failed',
      service: 'starlift-test',
      error: { name: 'TerminalError', table: 'staff', key: 'k', cause: { name: 'Error' } },
    });
    expect(line).toContain(code);
    expect(line).toContain('logger.test');
    expect(line).not.toContain('sesame');
  });

  it('keeps the names that a message quotes', () => {
    expect(lineOf(toPipelineError(serverError('42703', 'column "salary" does not exist')))).toContain(
      'salary',
    );
  });

  it('has nothing of a text that is no JSON', () => {
    try {
      JSON.parse('sesame, open');
    } catch (cause) {
      const line = lineOf(toPipelineError(new Error('it is no JSON', { cause })));
      expect(line).toContain('it is no JSON');
      expect(line).not.toContain('sesame');
      expect(lineOf(cause as Error)).not.toContain('sesame');
    }
    expect.assertions(3);
  });
});
