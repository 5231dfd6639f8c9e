import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hidePassword, parseDatabaseUrl, secretOfUrl } from '../../../cli/database/database-url.ts';

// What is expected is what libpq's documentation says of the two files:
// https://www.postgresql.org/docs/current/libpq-pgpass.html, …/libpq-pgservice.html

describe('what a URL does not say', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'home-'));
    const lines = [
      '# db.example:5432:shop:reader:of-a-comment',
      'db.example:5433:shop:reader:of-another-port',
      String.raw`db.example:5432:a\:b\\c:reader:with\:colon\\`,
      'db.example:*:shop:reader:by-user:not-this',
      '*:*:*:reader:by-any-host',
    ];
    writeFileSync(join(home, '.pgpass'), `${lines.join('\n')}\n`, { mode: 0o600 });
    writeFileSync(join(home, 'other'), '*:*:*:*:of-another-file\n', { mode: 0o600 });
    writeFileSync(
      join(home, '.pg_service.conf'),
      '# services\n[shop]\nhost=db.example\nport = 5434\ndbname=shop\nuser=reader\n\n[odd]\nhost=h\nsslmode=prefer_it\n' +
        '[unknown]\nhost=h\nkeepalives=1\n[secret]\nhost=h\ndbname=d\npassword=of-the-service\n',
    );
  });
  afterAll(() => rmSync(home, { recursive: true }));

  const passwordOf = (url: string, environment: Record<string, string> = {}) =>
    secretOfUrl('--source', url, { HOME: home, ...environment }).password;

  it.each([
    ['postgres://reader:own@db.example/shop', {}, 'own'],
    ['postgres://reader:own@db.example/shop', { PGPASSWORD: 'env' }, 'own'],
    ['postgres://reader@db.example/shop', { PGPASSWORD: 'env' }, 'env'],
    ['postgres://reader@db.example/shop', {}, 'by-user'],
    ['postgres://reader@db.example:5433/shop', {}, 'of-another-port'],
    ['postgres://reader@db.example/a%3Ab%5Cc', {}, 'with:colon\\'],
    ['postgres://reader@h/d', {}, 'by-any-host'],
    ['postgres://nobody@h/d', {}, ''],
    ['postgres://reader@h/d', { PGPASSFILE: 'OTHER' }, 'of-another-file'],
    ['postgres://reader@h/d', { PGPASSFILE: '/nowhere/at/all' }, ''],
    ['postgres://?service=secret', { PGPASSWORD: 'env' }, 'of-the-service'],
  ])('the password of %s with %j is %j', (url, environment: Record<string, string>, expected) => {
    const PGPASSFILE = environment.PGPASSFILE?.replace('OTHER', join(home, 'other'));
    expect(passwordOf(url, PGPASSFILE === undefined ? environment : { PGPASSFILE })).toBe(expected);
  });

  it('is not taken from a password file that others may read', () => {
    const file = join(home, 'open');
    writeFileSync(file, '*:*:*:*:seen\n');
    chmodSync(file, 0o640);
    expect(passwordOf('postgres://me@h/d', { PGPASSFILE: file })).toBe('');
    chmodSync(file, 0o600);
    expect(passwordOf('postgres://me@h/d', { PGPASSFILE: file })).toBe('seen');
  });

  const secretOf = (url: string, environment: Record<string, string> = {}) =>
    secretOfUrl('--source', url, { HOME: home, PGPASSWORD: 'x', ...environment });

  it('is taken from a service, which the URL overrides', () => {
    const shop = { host: 'db.example', port: 5434, dbname: 'shop', username: 'reader' };
    expect(secretOf('postgres://?service=shop')).toMatchObject(shop);
    expect(secretOf('postgres:///', { PGSERVICE: 'shop' })).toMatchObject(shop);
    expect(secretOf('postgres://me@/other?service=shop')).toMatchObject({
      ...shop,
      dbname: 'other',
      username: 'me',
    });
    // One variable, two databases: a URL that names a host is whole.
    expect(secretOf('postgres://other/d', { PGSERVICE: 'shop' })).toMatchObject({
      host: 'other',
      port: 5432,
    });
  });

  it('is encrypted where the server can, unless the URL, its service or PGSSLMODE says otherwise', () => {
    expect(secretOf('postgres://h/d').sslmode).toBe('prefer');
    expect(secretOf('postgres://h/d', { PGSSLMODE: 'verify-full' }).sslmode).toBe('verify-full');
    expect(secretOf('postgres://h/d?sslmode=disable', { PGSSLMODE: 'verify-full' }).sslmode).toBe('disable');
    expect(() => secretOf('postgres://h/d', { PGSSLMODE: 'verify-ca' })).toThrow(/^PGSSLMODE has sslmode=/);
  });

  it.each([
    ['postgres://?service=none', /^the service none is not defined in .*\.pg_service\.conf$/],
    ['postgres:///d?service=odd', /^--source has sslmode=prefer_it: use /],
    ['postgres:///d?service=unknown', /^--source: the service unknown has the parameter keepalives, which /],
  ])('%s is refused by name', (url, message) => {
    expect(() => secretOf(url)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }),
    );
  });

  it('never reaches the secret of a stage: its functions run on another machine', () => {
    expect(() => parseDatabaseUrl('the URL', 'postgres://me:pw@h/d?service=shop')).toThrow(
      'the URL names a service of this machine: name its host and database',
    );
  });
});

describe('a URL without its password', () => {
  it.each([
    ['postgres://me:secret@h:5433/d', 'postgres://me@h:5433/d'],
    ['postgres://h/d?password=secret&sslmode=require', 'postgres://h/d?sslmode=require'],
    [
      'postgres:///d?host=/var/run&port=5433&user=me&password=secret',
      'postgres://me@/d?host=%2Fvar%2Frun&port=5433',
    ],
    ['postgres://u%40x:secret@[::1]/a%2Fb', 'postgres://u%40x@[::1]/a%2Fb'],
    ['postgres://?service=shop', 'postgres:///?service=shop'],
  ])('%s is %s, and leads to the same place', (url, expected) => {
    const hidden = hidePassword('--source', url);
    expect(hidden).toBe(expected);
    if (url.includes('service')) return;
    const secretOf = (text: string) => ({
      ...secretOfUrl('--source', text, { HOME: '/nowhere' }),
      password: '',
    });
    expect(secretOf(hidden)).toEqual(secretOf(url));
  });
});
