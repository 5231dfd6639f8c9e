import sequencer from '@jest/test-sequencer';

// What is imported is the class, which the types of a CommonJS package do not tell.
const TestSequencer = /** @type {typeof sequencer.default} */ (/** @type {unknown} */ (sequencer));

/** Their files take longest, and mostly wait. */
const longest = ['test/reliability/', 'test/e2e/'];

/**
 * Jest test sequencer: the longest files begin, so that all workers end together. Jest does so by itself once it has seen
 * how long each takes; in CI and in a new clone it goes by the files' sizes.
 */
// biome-ignore lint/style/noDefaultExport: Jest takes a sequencer from the default export.
export default class LongestFirst extends TestSequencer {
  /**
   * @override
   * @param {Parameters<InstanceType<typeof TestSequencer>['sort']>[0]} tests
   */
  async sort(tests) {
    const sorted = await super.sort(tests);
    return sorted.toSorted((a, b) => Number(isLongest(b.path)) - Number(isLongest(a.path)));
  }
}

/** @param {string} path */
const isLongest = (path) => longest.some((folder) => path.includes(folder));
