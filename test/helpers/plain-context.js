import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/**
 * Jest's environment for Node in a context whose globals are plain properties. In Jest's own context every look at one
 * (`Buffer`, `Promise`, `process`) calls out of V8 into a Proxy, and no compiled code is spared it: a tenth of the CPU
 * time of a test that runs the product in its own process.
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
