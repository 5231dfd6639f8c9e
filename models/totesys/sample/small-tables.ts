import { faker as czech } from '@faker-js/faker/locale/cs_CZ';
import { faker } from '@faker-js/faker/locale/en';
import { faker as polish } from '@faker-js/faker/locale/pl';
import { dayOf, editedAt, FOUNDED_AT, formatDay, instantAt } from './calendar.ts';
import type { CopyText } from './copy-text.ts';
import { RowRandom } from './random.ts';
import { ADDRESSES, COUNTERPARTIES, DESIGNS, launchedAt, STAFF } from './sizes.ts';

/** One row of a small table: its fields in the order of the columns, then when it was last edited. */
export interface Party {
  id: number;
  fields: readonly (string | number | null)[];
  lastUpdated: number;
}

/** Some of every table speak other languages than English. */
function speakerOf(id: number): typeof faker {
  if (id % 7 === 3) return polish;
  return id % 7 === 5 ? czech : faker;
}

function seedSpeakers(seed: number): void {
  for (const speaker of [faker, polish, czech]) speaker.seed(seed);
}

export const ADDRESS_COLUMNS = [
  'address_id',
  'address_line_1',
  'address_line_2',
  'district',
  'city',
  'postal_code',
  'country',
  'phone',
  'created_at',
  'last_updated',
];

/** @param seed the same seed draws the same addresses */
export function drawAddresses(seed: number): Party[] {
  seedSpeakers(seed);
  return drawParties(seed, 'address', ADDRESSES, (id, random) => {
    const { location, phone } = speakerOf(id);
    const secondLine = random.oneIn(3) ? location.secondaryAddress() : null;
    const district = random.oneIn(2) ? faker.location.county() : null;
    const city = [location.streetAddress(), secondLine, district, location.city()];
    return [...city, location.zipCode(), faker.location.country(), phone.number({ style: 'national' })];
  });
}

export const COUNTERPARTY_COLUMNS = [
  'counterparty_id',
  'counterparty_legal_name',
  'legal_address_id',
  'commercial_contact',
  'delivery_contact',
  'created_at',
  'last_updated',
];

/** @param seed the same seed draws the same counterparties */
export function drawCounterparties(seed: number): Party[] {
  seedSpeakers(seed);
  return drawParties(seed, 'counterparty', COUNTERPARTIES, (id, random) => {
    const { company, person } = speakerOf(id);
    const delivery = random.oneIn(4) ? null : person.fullName();
    return [
      company.name(),
      random.between(1, ADDRESSES),
      random.oneIn(6) ? null : person.fullName(),
      delivery,
    ];
  });
}

export const STAFF_COLUMNS = [
  'staff_id',
  'first_name',
  'last_name',
  'department_id',
  'email_address',
  'created_at',
  'last_updated',
];

// Sales, Purchasing, then the other departments: the orders' staff ids are drawn to match.
const DEPARTMENT_OF_STAFF = [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 5, 6, 7, 8];

/** @param seed the same seed draws the same staff */
export function drawStaff(seed: number): Party[] {
  seedSpeakers(seed);
  return drawParties(seed, 'staff', STAFF, (id) => {
    const { person } = speakerOf(id);
    const [first, last] = [person.firstName(), person.lastName()];
    const email = `${asciiOf(first)}.${asciiOf(last)}@tidytotes.example`;
    return [first, last, DEPARTMENT_OF_STAFF[id - 1] ?? 1, email];
  });
}

function asciiOf(name: string): string {
  const letters = name.toLowerCase().replaceAll('ł', 'l').normalize('NFD');
  return letters.replace(/[^a-z]/g, '');
}

function drawParties(
  seed: number,
  table: string,
  count: number,
  draw: (id: number, random: RowRandom) => Party['fields'],
): Party[] {
  const random = new RowRandom(seed, table);
  return Array.from({ length: count }, (_, at) => {
    const fields = draw(at + 1, random.at(at + 1));
    return { id: at + 1, fields, lastUpdated: editedAt(random, FOUNDED_AT, 5) };
  });
}

/** Writes a row of any small table that was there when the shop opened. */
export function writeParty(out: CopyText, { id, fields, lastUpdated }: Party): void {
  out.int(id);
  for (const field of fields) typeof field === 'number' ? out.int(field) : out.text(field);
  out.timestamp(FOUNDED_AT).timestamp(lastUpdated);
}

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

export interface Design {
  id: number;
  name: string;
  fileLocation: string;
  fileName: string;
  createdAt: number;
  lastUpdated: number;
}

/** The shop's designs, 40 at its opening and one after the other over the year. */
export function drawDesigns(seed: number): Design[] {
  faker.seed(seed);
  const random = new RowRandom(seed, 'design');
  return Array.from({ length: DESIGNS }, (_, at) => {
    const createdAt = launchedAt(at + 1);
    const name = `${faker.commerce.productAdjective()} ${faker.commerce.productMaterial()}`;
    const day = formatDay(dayOf(createdAt) - faker.number.int({ min: 5, max: 400 })).replaceAll('-', '');
    return {
      id: at + 1,
      name,
      fileLocation: faker.system.directoryPath(),
      fileName: `${name.toLowerCase().replaceAll(' ', '-')}-${day}-${faker.string.alphanumeric({ length: 4, casing: 'lower' })}.json`,
      createdAt,
      lastUpdated: editedAt(random.at(at + 1), createdAt, 12),
    };
  });
}

export const DESIGN_COLUMNS = [
  'design_id',
  'design_name',
  'file_location',
  'file_name',
  'created_at',
  'last_updated',
];

export function writeDesign(out: CopyText, design: Design): void {
  out.int(design.id).text(design.name).text(design.fileLocation).text(design.fileName);
  out.timestamp(design.createdAt).timestamp(design.lastUpdated);
}
