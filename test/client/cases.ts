import type { Case } from './case.ts';
import { documents } from './case-rows-documents.ts';
import { faults } from './case-rows-faults.ts';
import { others } from './case-rows-others.ts';
import { protocol } from './case-rows-protocol.ts';
import { resuming } from './case-rows-resuming.ts';

/** What a client that pushes must bear: how registries may speak, how uploads break and go on, logins, formats, and costs. */
export const cases: readonly Case[] = [
  ...protocol,
  ...documents,
  ...resuming,
  ...faults,
  ...others,
];
