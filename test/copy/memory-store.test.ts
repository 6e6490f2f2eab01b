import { describeContentStore } from '../support/content-store-contract.ts';
import { MemoryStore } from './memory-store.ts';

describeContentStore('MemoryStore', async () => ({
  store: new MemoryStore(),
  async [Symbol.asyncDispose]() {},
}));
