import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { secretOfUrl } from '../../../cli/database/database-url.ts';
import { parseDatabaseSecret } from '../../../shared/postgres/database-secret.ts';

const parse = (url: string) => secretOfUrl('--warehouse', url);

/** What libpq's documentation says of each: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS */
const defaults = { host: 'localhost', port: 5432, dbname: 'w', username: 'postgres', password: '' };

describe('a database URL', () => {
  it.each<[string, object]>([
    ['postgres:///w', {}],
    ['postgresql://db.example/w', { host: 'db.example' }],
    ['postgresql://db.example:5433/w', { host: 'db.example', port: 5433 }],
    ['postgres://me@/w', { username: 'me' }],
    ['postgres://me:secret@:5433/w', { username: 'me', password: 'secret', port: 5433 }],
    ['postgres://[2001:db8::1234]/w', { host: '2001:db8::1234' }],
    ['postgres://me@[::1]:5433/w', { username: 'me', host: '::1', port: 5433 }],
    ['postgresql://%2Fvar%2Flib%2Fpostgresql/w', { host: '/var/lib/postgresql' }],
    ['postgresql:///w?host=/var/lib/postgresql', { host: '/var/lib/postgresql' }],
    [
      'postgres:///w?host=/some/socket&port=45415&user=me&password=s%26t',
      { host: '/some/socket', port: 45415, username: 'me', password: 's&t' },
    ],
    ['postgres://h:1/d?dbname=w&port=2', { host: 'h', port: 2 }],
    ['postgres://h?dbname=w', { host: 'h' }],
    ['postgres://h/w%2Fx%40y%3F%23', { host: 'h', dbname: 'w/x@y?#' }],
    ['postgres://p%40ss:w%2Frd%25%C3%A9@h/w', { host: 'h', username: 'p@ss', password: 'w/rd%é' }],
    // A plus is itself, as in libpq: it is a form's way to write a blank, not a URL's.
    ['postgres://h/w?password=a+b', { host: 'h', password: 'a+b' }],
    ['postgres://h/w?options=-c%20search_path%3Dx', { host: 'h', options: '-c search_path=x' }],
    [
      'postgres://h/w?application_name=nightly&connect_timeout=3',
      { host: 'h', application_name: 'nightly', connect_timeout: 3 },
    ],
    ['postgres://h/w?target_session_attrs=read-write', { host: 'h', target_session_attrs: 'read-write' }],
    ['postgres://h/w?sslmode=require', { host: 'h', sslmode: 'require' }],
    ['postgres://h/w?host=&port=&user=', { host: 'h' }],
  ])('%s is read as libpq reads it, and reaches the functions through their secret', (url, expected) => {
    const secret = parse(url);
    expect(secret).toEqual({ ...defaults, sslmode: 'prefer', ...expected });
    expect(parseDatabaseSecret('w', JSON.stringify(secret))).toEqual(secret);
  });

  it('brings the text of its certificates, which a function could not read from a file of this machine', () => {
    const folder = mkdtempSync(join(tmpdir(), 'starlift-url-'));
    try {
      for (const name of ['ca', 'crt', 'key']) writeFileSync(join(folder, name), `the ${name}`);
      const files = `sslrootcert=${folder}/ca&sslcert=${folder}/crt&sslkey=${folder}/key`;
      const secret = parse(`postgres://h/w?sslmode=verify-full&${files}`);
      expect(secret).toMatchObject({ sslrootcert: 'the ca', sslcert: 'the crt', sslkey: 'the key' });
      expect(parseDatabaseSecret('w', JSON.stringify(secret))).toEqual(secret);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ['hostaddr=10.0.0.1', /^--warehouse .*\bhostaddr\b.*\bhost, port, /],
    ['passfile=prod', /^--warehouse .*\bpassfile\b/],
    ['sslmode=disable&channel_binding=require', /^--warehouse .*\bchannel_binding\b/],
    ['Host=h', /^--warehouse .*\bHost\b/],
    ['s3cret@h/w', /^--warehouse has a parameter without a value/],
    ['s3cret%40h=1', /^--warehouse has a parameter that Starlift does not know/],
    ['host=a,b', /^--warehouse names several hosts/],
    ['port=1,2', /^--warehouse names several ports/],
    ['host=a&host=b', /^--warehouse gives host twice/],
    ['port=x', /^--warehouse has port=x/],
    ['port=65536', /^--warehouse has port=65536/],
    ['connect_timeout=0', /^--warehouse has connect_timeout=0/],
    ['connect_timeout=soon', /^--warehouse has connect_timeout=soon/],
    ['sslmode=allow', /^--warehouse has sslmode=allow: use disable, prefer, require or verify-full$/],
    ['target_session_attrs=leader', /^--warehouse has target_session_attrs=leader/],
    [
      'sslmode=verify-full&sslrootcert=/no/such/file',
      /^--warehouse has sslrootcert=\/no\/such\/file.*ENOENT/,
    ],
    ['sslrootcert=/etc/hostname', /^--warehouse has sslrootcert .*sslmode/],
    ['sslmode=verify-full&sslcert=/etc/hostname', /^--warehouse has sslcert .*sslkey/],
  ])('with ?%s is refused by the name of what is wrong', (query, message) => {
    expect(() => parse(`postgres://u:s3cret@h/w?${query}`)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message), exitCode: 2 }),
    );
    expect(() => parse(`postgres://u:s3cret@h/w?${query}`)).not.toThrow(/s3cret/);
  });

  it.each([
    ['postgres://u:s3cret@a,b/w', /^--warehouse names several hosts/],
    ['postgres://u:s3cret@a:1,b:2/w', /^--warehouse names several hosts/],
    ['postgres://u:s3cret@h:99999/w', /^--warehouse has port=99999/],
    ['postgres://u:s3cret@h:1x/w', /^--warehouse is not a Postgres URL/],
    ['postgres://u:s3#cret@h/w', /^--warehouse is not a Postgres URL: a # in it .*%23/],
    ['postgres://u:s3cret@h/w?password=%FF', /^--warehouse is not a Postgres URL: a % in it .*%25/],
    ['postgres://u:s3cret@h/', /^--warehouse names no database/],
    ['host=h dbname=w', /^--warehouse is not a Postgres URL/],
  ])('%s is refused in one line without the password', (url, message) => {
    expect(() => parse(url)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message), exitCode: 2 }),
    );
    expect(() => parse(url)).not.toThrow(/s3#?cret/);
  });
});
