import { setFlagsFromString } from 'node:v8';
import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

// Most of a worker's heap is modules that live as long as their test file. With its usual growth, V8 marks all of them again
// after little garbage.
setFlagsFromString('--heap-growing-percent=300');

/** Their files run their tests in an order that the run's seed decides: a stack that one has used is often the next one's. */
const shuffled = ['test/integration/operator/', 'test/integration/failures/'];

/**
 * Jest's environment for Node in a context whose globals are plain properties. In Jest's own context every use of a global
 * (`Buffer`, `Promise`, `process`) calls out of V8 into a Proxy, even from compiled code.
 */
// biome-ignore lint/style/noDefaultExport: Jest takes an environment from the default export.
export default class PlainContext extends TestEnvironment {
  /** @param {ConstructorParameters<typeof TestEnvironment>} given */
  constructor(...given) {
    const { createContext } = vm;
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(...given);
    } finally {
      vm.createContext = createContext;
    }
    process.on('warning', this.#note);
    this.#isShuffled = shuffled.some((folder) => given[1].testPath.includes(folder));
  }

  #isShuffled = false;

  /** @type {Error | undefined} */
  #warning;

  /** @param {Error} warning */
  #note = (warning) => {
    if (isOfConnection(warning)) this.#warning ??= warning;
  };

  /**
   * Of jest-circus.
   *
   * @param {{ name: string }} event
   * @param {{ randomize?: boolean }} state
   */
  handleTestEvent = ({ name }, state) => {
    if (name === 'setup' && this.#isShuffled) state.randomize = true;
  };

  /** @override */
  async teardown() {
    process.off('warning', this.#note);
    await super.teardown();
    if (this.#warning !== undefined) throw this.#warning;
  }
}

/**
 * pg warns, once in each test file, of a query that is sent while the connection is at work on another one; users would read
 * it on their terminals.
 *
 * @param {Error} warning
 */
const isOfConnection = ({ name, message }) =>
  name === 'DeprecationWarning' && message.includes('client.query');
