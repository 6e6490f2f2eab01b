import { type ErrorCode, FinchError } from '../../src/errors.ts';

/** The FinchError with which `work` must fail. */
export async function expectFailure(work: Promise<unknown>, code: ErrorCode): Promise<FinchError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof FinchError && error.code === code) return error;
  throw new Error(`it should fail with ${code}`, { cause: error });
}
