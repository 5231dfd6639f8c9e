import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mergeSecret, parseSecretUrl } from '../../../cli/site/stage/put-secret.ts';

const shape = 'postgres://user:password@host:port/database';

describe('a URL for a secret', () => {
  it('holds every user, password and database, percent-encoded', () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((each) => each.isWellFormed());
    // No URL can hold these two as a name, encoded or not: https://url.spec.whatwg.org/#single-dot-path-segment
    const name = text.filter((each) => each !== '.' && each !== '..');
    fc.assert(
      fc.property(
        text,
        text,
        name,
        fc.integer({ min: 1, max: 65_535 }),
        (username, password, dbname, port) => {
          const [user, word, path] = [username, password, dbname].map(encodeURIComponent);
          expect(
            parseSecretUrl(`postgresql://${user}:${word}@db.example:${port}/${path}?sslmode=require`),
          ).toEqual({ host: 'db.example', port, dbname, username, password, sslmode: 'require' });
        },
      ),
    );
  });

  it('is verified TLS on port 5432 where it says nothing else', () => {
    expect(parseSecretUrl('postgres://u:p@h/d')).toEqual({
      host: 'h',
      port: 5432,
      dbname: 'd',
      username: 'u',
      password: 'p',
      sslmode: 'verify-full',
    });
  });

  it.each([
    ['', `no URL on stdin: ${shape}`],
    ['postgres://u:s3cret@h/d\npostgres://u:s3cret@h/d', `stdin has more than one URL: ${shape}`],
    ['s3cret', `the URL is not a Postgres URL: use ${shape}`],
    ['mysql://u:s3cret@h/d', `the URL is not a Postgres URL: use ${shape}`],
    ['postgres://u@h/d', `the URL has no password: ${shape}`],
    ['postgres://:s3cret@h/d', `the URL has no user: ${shape}`],
    ['postgres://h/d', `the URL has no user and no password: ${shape}`],
    ['postgres://u:s3cret@h', `the URL names no database: use ${shape}`],
    [
      'postgres://u:s3cret%@h/d',
      'the URL is not a Postgres URL: a % in it that is meant as itself is written %25',
    ],
    [
      'postgres://u:s3cret@h/d?sslmode=prefer',
      'the URL has sslmode=prefer: use disable, require or verify-full',
    ],
  ])('%j is refused by one line without what it holds', (text, message) => {
    expect(() => parseSecretUrl(text)).toThrow(expect.objectContaining({ message, exitCode: 2 }));
    expect(message).not.toMatch(/s3cret|\n/);
  });
});

describe('a secret that gets another URL', () => {
  const url = parseSecretUrl('postgres://u:new@h/d');

  it("keeps what AWS' rotation and others have put into it", () => {
    const known = {
      ...{ engine: 'postgres', host: 'old', port: 5433, dbname: 'd', username: 'u', password: 'old' },
      ...{ masterarn: 'arn:master', dbInstanceIdentifier: 'shop', maskKey: 'm' },
    };
    expect(JSON.parse(mergeSecret(JSON.stringify(known), url))).toEqual({
      ...{ engine: 'postgres', masterarn: 'arn:master', dbInstanceIdentifier: 'shop', maskKey: 'm' },
      ...{ host: 'h', port: 5432, dbname: 'd', username: 'u', password: 'new', sslmode: 'verify-full' },
    });
  });

  it('keeps nothing of the URL before', () => {
    const known = JSON.stringify({
      ...url,
      sslrootcert: 'pem',
      options: '-c x=y',
      target_session_attrs: 'standby',
    });
    expect(JSON.parse(mergeSecret(known, url))).toEqual({ engine: 'postgres', ...url });
  });

  it('by IAM keeps the rest, and no password; and a password ends that', () => {
    const known = { masterarn: 'arn:master', host: 'old', password: 'old' };
    const byToken = parseSecretUrl('postgres://u@h/d', 'iam');
    const kept = mergeSecret(JSON.stringify(known), byToken);
    expect(JSON.parse(kept)).toEqual({
      ...{ engine: 'postgres', masterarn: 'arn:master', auth: 'iam' },
      ...{ host: 'h', port: 5432, dbname: 'd', username: 'u', sslmode: 'verify-full' },
    });
    const { password, auth } = JSON.parse(mergeSecret(kept, url)) as Record<string, unknown>;
    expect({ password, auth }).toEqual({ password: 'new', auth: undefined });
  });

  it.each([
    ['postgres://u:s3cret@h/d', 'the URL has a password, which --iam does without: leave it out'],
    ['postgres://u@h/d?sslmode=disable', 'the URL has sslmode=disable: AWS takes IAM tokens over TLS only'],
    ['postgres://h/d', `the URL has no user: ${shape}`],
  ])('by IAM is not %s', (text, message) => {
    expect(() => parseSecretUrl(text, 'iam')).toThrow(expect.objectContaining({ message, exitCode: 2 }));
  });

  it.each([undefined, '', 'not json', '[1]', 'null'])('begins anew where it was %s', (known) => {
    expect(JSON.parse(mergeSecret(known, url))).toEqual({ engine: 'postgres', ...url });
  });
});
