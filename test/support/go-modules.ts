import { join } from 'node:path';

// Imports nothing but what Bun has: it also says what is built before the packages are there.

/** A Go module of which the tests need programs. */
export interface GoModule {
  readonly path: string;
  readonly version: string;
  /** Where its programs are put; another version has another folder. */
  readonly folder: string;
  /** The programs, which are packages of it below `cmd`. */
  readonly programs: readonly string[];
  /** The variable of its own that says the version. */
  readonly versionVariable: string;
  /** What is taken away before it is built: files, and modules that only those need. */
  readonly without?: { readonly files: readonly string[]; readonly modules: readonly string[] };
}

/** The folder for the programs of a kind of modules. */
export function programsFolder(kind: string): string {
  return join(import.meta.dir, '../../node_modules/.cache', kind);
}

/** The path of a program of one of the modules, whether it is there or not. */
export function programOf(modules: readonly GoModule[], program: string): string {
  const module = modules.find(({ programs }) => programs.includes(program));
  return join(module?.folder ?? programsFolder('none'), program);
}

/** Go itself, also where its own package puts it, on nobody's PATH. */
export const go: string | null = Bun.which('go') ?? Bun.which('go', { PATH: '/usr/local/go/bin' });
