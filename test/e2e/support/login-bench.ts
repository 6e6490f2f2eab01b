import { writeHelloFinch } from '../../demo/hello-finch.ts';
import { type RegistryBench, secureBench } from './workbench.ts';

/** A {@link RegistryBench} with an image whose name leads to its registry. */
export interface LoginBench extends RegistryBench {
  /** `HOST/test-login:tag`. */
  readonly name: string;
}

/** A secure bench, with an image that is ready to be pushed. */
export async function loginBench(): Promise<LoginBench> {
  const bench = await secureBench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -i hello-finch.tar');
  const name = `${bench.registry.host}/test-login:tag`;
  await bench.ok(`tag hello-finch:latest ${name}`);
  return { ...bench, name };
}
