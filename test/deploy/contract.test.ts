import { describeContract } from '../contract/describe-contract.ts';
import { startMiniStackService } from './ministack-service.ts';

describeContract('ministack', startMiniStackService);
