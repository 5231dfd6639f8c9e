import { describe, expect, it } from '@jest/globals';
import { PipelineError, TerminalError, TransientError } from '../../../shared/errors.ts';

describe('PipelineError', () => {
  it('keeps the table, the key and the cause, and is named after its class', () => {
    const cause = new Error('ECONNRESET');
    const error = new TransientError('the warehouse hung up', { table: 'dim_staff', key: 'a/b', cause });
    expect(error).toMatchObject({ name: 'TransientError', table: 'dim_staff', key: 'a/b', cause });
    expect(error).toBeInstanceOf(PipelineError);
    expect(new TerminalError('no such column')).not.toBeInstanceOf(TransientError);
  });
});
