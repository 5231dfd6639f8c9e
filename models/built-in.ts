// The one place that says which model, and which sample, the product comes with.

export { closingColumns, closingQuestion } from './totesys/closing-question.ts';
export { TABLE_NAMES as sampleTableNames } from './totesys/sample/schema.ts';
export { sampleSizes } from './totesys/sample/sizes.ts';

/** The folder of its project, in the sources; a build holds the compiled model. */
export const builtInFolder = (): URL => new URL('./totesys', import.meta.url);

/** Loaded where a sample is made: its names and addresses are slow to load. */
export const loadSampleFill = () => import('./totesys/sample/fill.ts');

/** Loaded where the sample's business goes on. */
export const loadSampleTrading = () => import('./totesys/sample/trading.ts');
