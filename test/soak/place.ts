import { type Finished, finch } from '../e2e/support/finch.ts';
import { killAt } from './killing.ts';
import type { Random } from './random.ts';
import type { Recipe } from './recipes.ts';
import { readShown, type Settled } from './shown-names.ts';
import type { Tally } from './tally.ts';

/** The one place in which all workers of a crowd work. */
export interface Place {
  readonly folder: string;
  readonly home: string;
  readonly recipes: readonly Recipe[];
  readonly tally: Tally;
  /** The host of a `finch registry serve` over {@link Place.home}. */
  readonly own: string;
  /** The host of another registry. */
  readonly other: string | undefined;
  /** The names that nobody is changing at this moment, for whoever watches `index.json`. */
  readonly settled: Map<string, Settled>;
}

/** Options of {@link Worker.run}. */
export interface RunOptions {
  /** What stderr must say if the command fails, which it may then. */
  readonly mayFail?: RegExp;
  readonly stdin?: Blob;
}

/** One of a crowd: it has names that nobody else changes, and knows what each must name. */
export class Worker {
  readonly id: number;
  readonly place: Place;
  readonly random: Random;
  /** What must be in the store under each of its names. */
  readonly names = new Map<string, Recipe>();
  /** What must be in the other registry, by repository and tag. */
  readonly pushed = new Map<string, Recipe>();
  #count = 0;

  constructor(id: number, place: Place, random: Random) {
    this.id = id;
    this.place = place;
    this.random = random;
  }

  /** A name that was never there. */
  newName(repository = 'app'): string {
    return `w${this.id}/${repository}:${this.#count++}`;
  }

  /** One of its names; undefined when there is none. */
  someName(): string | undefined {
    return this.names.size === 0 ? undefined : this.random.pick([...this.names.keys()]);
  }

  /** Runs finch; whether it succeeded. Everything that it must not do is noted as a fault. */
  async run(kind: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const { tally, home, folder } = this.place;
    const { mayFail, stdin } = options;
    const finished = await finch(args, { home, cwd: folder, ...(stdin && { stdin }) });
    const { exitCode, stderr } = finished;
    tally.count('commands');
    tally.count(`command ${kind}: ${exitCode === 0 ? 'good' : 'failed as it may'}`);
    const isExpected = exitCode === 0 || (exitCode === 1 && mayFail?.test(stderr));
    if (!isExpected || (exitCode === 1 && !/^finch: .+\nhint: .+\n$/m.test(stderr))) {
      tally.fault(`finch ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    }
    return finished;
  }

  /** {@link Worker.run}, in one of four times after the same command was killed somewhere in it. */
  async runTwice(kind: string, args: readonly string[]): Promise<void> {
    const { home, tally } = this.place;
    if (this.random.chance(0.25)) {
      const moment = { kind: 'time', ms: this.random.below(150) } as const;
      const isKilled = await killAt({ args, home }, moment);
      tally.count(`killed before it ran again: ${kind.replace(/ .*/, '')}`, isKilled ? 1 : 0);
    }
    await this.run(kind, args);
  }

  /**
   * Notes that names now have to be there, and looks whether `index.json` shows them.
   * @param recipe what they name
   */
  async settle(names: readonly string[], recipe: Recipe): Promise<void> {
    const { home, tally, settled } = this.place;
    const shown = await readShown(home);
    for (const name of names) {
      this.names.set(name, recipe);
      const digest = shown.get(name);
      if (digest === undefined) tally.fault(`${name} was given and is not in index.json`);
      else settled.set(name, { digest });
    }
  }

  /** Says that names are about to change. */
  unsettle(names: readonly string[]): void {
    for (const name of names) {
      this.names.delete(name);
      this.place.settled.delete(name);
    }
  }
}
