import { describe, expect, it } from '@jest/globals';
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
