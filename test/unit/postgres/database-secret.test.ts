import { describe, expect, it } from '@jest/globals';
import { choiceVariable, requiredVariable } from '../../../shared/environment.ts';
import { parseDatabaseSecret } from '../../../shared/postgres/database-secret.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';

const secret = { host: 'h', port: 5432, dbname: 'd', username: 'u', password: 'hunter2' };

describe('database secrets', () => {
  it('are read in the shape that RDS writes, the port as text or number', () => {
    expect(
      parseDatabaseSecret('s', JSON.stringify({ ...secret, port: '5432', engine: 'postgres' })),
    ).toMatchObject(secret);
  });

  it.each([
    ['no host', { ...secret, host: undefined }, 'host'],
    ['an empty user', { ...secret, username: '' }, 'username'],
    ['no password', { ...secret, password: undefined }, 'password'],
    ['an unknown auth', { ...secret, auth: 'kerberos' }, 'auth'],
    ['a port that is none', { ...secret, port: 'x' }, 'port'],
    ['an unknown sslmode', { ...secret, sslmode: 'allow' }, 'sslmode'],
    ['unknown target_session_attrs', { ...secret, target_session_attrs: 'leader' }, 'target_session_attrs'],
    ['options that are no text', { ...secret, options: 5 }, 'options'],
    ['no seconds to connect in', { ...secret, connect_timeout: 'soon' }, 'connect_timeout'],
  ])('with %s are refused, naming the field and the secret', (_, value, field) => {
    expect(() => parseDatabaseSecret('prod/source', JSON.stringify(value))).toThrow(
      new RegExp(`prod/source.*${field}`),
    );
  });

  it('need no password where IAM gives a token', () => {
    const { password: _, ...others } = secret;
    expect(parseDatabaseSecret('s', JSON.stringify({ ...others, auth: 'iam' }))).toEqual({
      ...{ ...others, auth: 'iam', password: '' },
    });
  });

  it('are never quoted in the error that they cause', () => {
    try {
      parseDatabaseSecret('s', 'hunter2 is not JSON');
      throw new Error('was not refused');
    } catch (error) {
      const { message, cause } = error as Error;
      expect(message).toBe('the secret s is not a JSON object');
      expect(cause).toBeUndefined();
    }
  });
});

describe('the environment', () => {
  it('names what is missing or malformed', () => {
    expect(() => requiredVariable('INGESTED_BUCKET', {})).toThrow('INGESTED_BUCKET');
    expect(requiredVariable('A', { A: 'x' })).toBe('x');
    expect(choiceVariable('B', ['no', 'yes'], {})).toBe('no');
    expect(choiceVariable('B', ['no', 'yes'], { B: 'yes' })).toBe('yes');
    expect(() => choiceVariable('B', ['no', 'yes'], { B: 'maybe' })).toThrow('B is "maybe": use no or yes');
  });
});

describe('identifiers', () => {
  it('are quoted whatever they hold', () => {
    expect(quoteIdentifier('x"; drop')).toBe('"x""; drop"');
  });
});
