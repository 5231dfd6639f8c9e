import { expect, it } from '@jest/globals';
import { describeServerError } from '../../../shared/postgres/server-error.ts';

/** 22P02 as Postgres 17 says it, lc_messages by lc_messages. */
const messages = {
  en: 'invalid input syntax for type integer: "SECRET"',
  de: 'ungültige Eingabesyntax für Typ integer: »SECRET«',
  fr: 'syntaxe en entrée invalide pour le type integer : « SECRET »',
  es: 'la sintaxis de entrada no es válida para tipo integer: «SECRET»',
  it: 'sintassi di input non valida per il tipo integer: "SECRET"',
  ja: 'integer型の入力構文が不正です: "SECRET"',
  ka: 'integer ტიპის არასწორი შეყვანა: "SECRET"',
  pl: 'nieprawidłowa składnia wejścia dla typu integer: "SECRET"',
  ru: 'неверный синтаксис для типа integer: "SECRET"',
  sv: 'ogiltig indatasyntax för typen integer: "SECRET"',
  tr: "integer türü için geçersiz giriş sözdizimi: 'SECRET'",
  uk: 'невірний синтаксис для типу integer: "SECRET"',
  'zh-CN': '无效的类型 integer 输入语法: "SECRET"',
  'zh-TW': '型別 integer 的輸入語法無效：「SECRET」',
  curly: 'invalid input syntax for type integer: “SECRET”',
  low: 'neplatná vstupní syntaxe pro typ integer: „SECRET“',
};

it.each(Object.entries(messages))("a row's value is left out of a message in %s", (_, message) => {
  const text = describeServerError({ message, code: '22P02', severity: 'ERROR' });
  expect(text).not.toContain('SECRET');
  expect(text).toContain('integer');
  expect(text).toContain('22P02');
});

it('a value that holds quotes itself is left out to its end', () => {
  const message = 'ungültige Eingabesyntax für Typ integer: »a« SECRET »b«';
  expect(describeServerError({ message, code: '22P02', severity: 'ERROR' })).not.toContain('SECRET');
});
