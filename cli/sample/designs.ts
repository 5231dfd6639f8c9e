import { faker } from '@faker-js/faker/locale/en';
import { BUSINESS_YEAR_MICROS, dayOf, FOUNDED_AT, formatDay, instantAt } from './calendar.ts';
import type { CopyText } from './copy-text.ts';
import { editedAt } from './edits.ts';
import { RowRandom } from './random.ts';
import { DESIGNS } from './sizes.ts';

const FIRST_COLLECTION = 40;
// The last design comes out some weeks before the year ends, so that all of them can be sold.
const LAUNCH_YEAR = BUSINESS_YEAR_MICROS * 0.9;
const LAUNCH_EVERY = LAUNCH_YEAR / (DESIGNS - FIRST_COLLECTION);

/** How many designs are out after so much open time (microseconds): ids 1 to this may be sold. */
export function designsOnSale(elapsed: number): number {
  return Math.min(DESIGNS, FIRST_COLLECTION + Math.floor(elapsed / LAUNCH_EVERY));
}

function launchedAt(id: number): number {
  if (id <= FIRST_COLLECTION) return FOUNDED_AT;
  return instantAt(Math.floor(((id - FIRST_COLLECTION) * LAUNCH_EVERY) / 1000) * 1000);
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
