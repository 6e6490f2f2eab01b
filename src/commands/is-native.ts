import type { App } from '../app.ts';
import { FinchError } from '../errors.ts';

/** Whether containers run on this Linux itself, as far as can be told: not where finch.yaml is wrong. */
export async function isNative(app: App): Promise<boolean> {
  try {
    return (await app.machine()).kind === 'native';
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    return false;
  }
}
