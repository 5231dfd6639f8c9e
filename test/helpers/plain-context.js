import { setFlagsFromString } from 'node:v8';
import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

// The heap of a worker is 100 MB of modules that live as long as their test file. With V8's usual growth it was marked
// anew at every 40 MB of garbage, a seventh of the CPU time of a test that makes much of it.
setFlagsFromString('--heap-growing-percent=300');

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
