import { setFlagsFromString } from 'node:v8';
import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

// Most of a worker's heap is modules that live as long as their test file. With its usual growth, V8 marks all of them again
// after little garbage.
setFlagsFromString('--heap-growing-percent=300');

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
  }
}
