import { basename } from 'node:path';
import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { SetupOptions } from '../setup/ecr-setup.ts';

/** What `finch ecr setup` and `finch ecr unset` go to work with. */
export async function setupOptions(app: App, { signal }: AbortOptions): Promise<SetupOptions> {
  const { findLima } = await import('../vm/lima.ts');
  const { host, talk, credentialFile: configFile } = app;
  const report = (line: string) => talk.note(line);
  // From its source it is run by Bun, which is no credential helper.
  const isCompiled = !/^bun(?:\.exe)?$/.test(basename(process.execPath));
  return {
    ...{ home: host.home, configFile, report, signal },
    show: (line) => talk.print(line),
    program: isCompiled ? process.execPath : undefined,
    vm: findLima({ env: host.env, report }),
  };
}
