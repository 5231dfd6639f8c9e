import { FOUNDED_AT, instantAt } from './calendar.ts';
import type { Party } from './parties.ts';

export const CURRENCY_COLUMNS = ['currency_id', 'currency_code', 'created_at', 'last_updated'];

export function listCurrencies(): Party[] {
  return listNames(['GBP', 'USD', 'EUR']);
}

export const PAYMENT_TYPE_COLUMNS = ['payment_type_id', 'payment_type_name', 'created_at', 'last_updated'];

export function listPaymentTypes(): Party[] {
  return listNames(['SALES_RECEIPT', 'SALES_REFUND', 'PURCHASE_PAYMENT', 'PURCHASE_REFUND']);
}

function listNames(names: string[]): Party[] {
  return names.map((name, at) => ({ id: at + 1, fields: [name], lastUpdated: FOUNDED_AT }));
}

export const DEPARTMENT_COLUMNS = [
  'department_id',
  'department_name',
  'location',
  'manager',
  'created_at',
  'last_updated',
];

const DEPARTMENTS: [name: string, location: string | null, manager: string | null][] = [
  ['Sales', 'Bristol', 'Imogen Achebe'],
  ['Purchasing', 'Bristol', 'Rhys Okonjo'],
  ['Production', 'Dundee', 'Zoë Brannigan'],
  ['Despatch', 'Dundee', null],
  ['Finance', 'Bristol', 'Małgorzata Field'],
  ['Facilities', null, 'Tom Ferreira'],
  ['Communications', 'Cardiff', 'Søren Whitlock'],
  ['People', null, null],
];

// Half a year on, Despatch moved and lost its manager.
const MOVED_AT = instantAt(126 * 9 * 3_600_000_000 + 4_210_337_001);

export function listDepartments(): Party[] {
  return DEPARTMENTS.map((fields, at) => ({
    id: at + 1,
    fields,
    lastUpdated: at === 3 ? MOVED_AT : FOUNDED_AT,
  }));
}
