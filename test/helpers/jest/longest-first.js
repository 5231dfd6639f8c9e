import sequencer from '@jest/test-sequencer';

// What is imported is the class, which the types of a CommonJS package do not tell.
const TestSequencer = /** @type {typeof sequencer.default} */ (/** @type {unknown} */ (sequencer));

/** What takes longest, in this order; the others after them. A file that mostly waits leaves its time to those beside it. */
const longest = [
  ...['test/reliability/', 'test/integration/failures/connections', 'test/integration/load/bad-warehouse'],
  ...[
    'test/e2e/',
    'test/integration/operator/',
    'test/integration/',
    'test/contract/',
    'test/unit/transform/',
  ],
];

/** Jest test sequencer: the files that take longest begin, so that all workers end together. */
// biome-ignore lint/style/noDefaultExport: Jest takes a sequencer from the default export.
export default class LongestFirst extends TestSequencer {
  /**
   * Within each of them Jest's own order: by the last duration where it knows one, else by size.
   *
   * @override
   * @param {Parameters<InstanceType<typeof TestSequencer>['sort']>[0]} tests
   */
  async sort(tests) {
    const sorted = await super.sort(tests);
    return sorted.toSorted((a, b) => rankOf(a.path) - rankOf(b.path));
  }
}

/** @param {string} path */
function rankOf(path) {
  const index = longest.findIndex((folder) => path.includes(folder));
  return index === -1 ? longest.length : index;
}
