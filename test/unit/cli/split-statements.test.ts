import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitStatements } from '../../../cli/sql/split-statements.ts';

describe('SQL text is cut at the semicolons that end statements', () => {
  it.each([
    ['two statements', 'select 1; select 2;', ['select 1', 'select 2'], ''],
    ['an unfinished one', 'select 1;\nselect', ['select 1'], '\nselect'],
    ['empty ones', ';;  ; select 1;', ['select 1'], ''],
    ['a string', "select ';', 'it''s;';", ["select ';', 'it''s;'"], ''],
    ['an escape string', String.raw`select E'\';', 1;`, [String.raw`select E'\';', 1`], ''],
    [
      'a plain string with a backslash',
      String.raw`select '\'; select 2;`,
      [String.raw`select '\'`, 'select 2'],
      '',
    ],
    ['a word before a string', "select type'\\'; x;", ["select type'\\'", 'x'], ''],
    ['a quoted name', 'select ";""" from t;', ['select ";""" from t'], ''],
    ['a dollar-quoted text', 'do $$ begin; end $$; x;', ['do $$ begin; end $$', 'x'], ''],
    ['a tagged one', 'do $a$ $$; $b$; $a$; x;', ['do $a$ $$; $b$; $a$', 'x'], ''],
    ['a dollar in a name', 'select a$b$; x$b$;', ['select a$b$', 'x$b$'], ''],
    ['a parameter', 'select $1; select $2;', ['select $1', 'select $2'], ''],
    ['a line comment', 'select 1 -- one; two\n;', ['select 1 -- one; two'], ''],
    ['a nested comment', 'select /* ; /* ; */ ; */ 1;', ['select /* ; /* ; */ ; */ 1'], ''],
    ['an open string', "select 'a; b", [], "select 'a; b"],
    ['an open escape string', String.raw`select e'a;\ `.trim(), [], String.raw`select e'a;\ `.trim()],
    ['an open name', 'select "a;', [], 'select "a;'],
    ['an open dollar-quoted text', 'do $x$ a; $y$', [], 'do $x$ a; $y$'],
    ['an open comment', 'select 1; /* a; /* b */ c;', ['select 1'], ' /* a; /* b */ c;'],
  ])('with %s', (_, text, statements, rest) => {
    expect(splitStatements(text)).toEqual({ statements, rest });
  });
});

// Written down here from Postgres' lexical rules, each a whole that hides its semicolons.
const wholes = fc.constantFrom(
  "';'",
  "'it''s;'",
  String.raw`E'\';'`,
  '";"""',
  '$$ ; $$',
  '$a$ ; $$ ; $a$',
  '/* ; /* ; */ ; */',
  '-- ;\n',
  String.raw`'\'`,
  'a$b$',
  '$1',
  String.raw`1 \| 2`,
  'select',
  '\n',
  'x',
);
const statement = fc
  .array(wholes, { minLength: 1, maxLength: 8 })
  .map((pieces) => ['select', ...pieces].join(' ').trim())
  // A semicolon behind a comment would be a part of it.
  .map((text) => (/--[^\n]*$/.test(text) ? `${text}\n1` : text));

describe('statements that semicolons join', () => {
  it('are found again, each as it was', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 5 }), statement, (statements, rest) => {
        const found = splitStatements([...statements, rest].join(';\n'));
        expect(found.statements).toEqual(statements);
        expect(found.rest.trim()).toBe(rest);
      }),
    );
  });

  it('are the same whether they come at once or line by line, as they are typed', () => {
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 5 }), (statements) => {
        const text = `${statements.join(';\n\\d t\n')};\n`;
        const typed: string[] = [];
        let pending = '';
        for (const line of text.split('\n')) {
          const { statements: whole, rest } = splitStatements(`${pending}${line}\n`);
          typed.push(...whole);
          pending = rest.trim() === '' ? '' : rest;
        }
        expect(typed).toEqual(splitStatements(text).statements);
        expect(typed.filter((each) => each !== '\\d t')).toEqual(statements);
      }),
    );
  });
});

describe('a backslash', () => {
  it.each([
    ['\\d dim_staff\nselect 1;', ['\\d dim_staff', 'select 1'], ''],
    ['select 1;\n  \\x on\nselect', ['select 1', '\\x on'], 'select'],
    ["select '\n\\q\n';", ["select '\n\\q\n'"], ''],
    ['select 1\n\\d\n;', ['select 1\n\\d'], ''],
    ['\\q', ['\\q'], ''],
  ])('begins a command only where a statement would begin: %j', (text, statements, rest) => {
    const found = splitStatements(text);
    expect(found.statements).toEqual(statements);
    expect(found.rest.trim()).toBe(rest);
  });
});
