/** One known attack on programs like finch, and the tests that show that finch withstands it. */
export interface Row {
  /** The advisories, or the class of attacks. */
  readonly id: string;
  /** What the attacker does, in a sentence. */
  readonly attack: string;
  readonly guards: readonly Guard[];
}

/** A test, and the piece of finch without which it fails; `prove.ts` shows that it does. */
export interface Guard {
  /** The file below `test`, and a part of the title as it stands there. */
  readonly test: readonly [file: string, title: string];
  readonly defence: Defence;
  /** A second defence that holds alone: only without both does the test fail. */
  readonly also?: Defence;
}

/** The file below `src`, a text that it holds once, and what stands there when the defence is gone. */
export type Defence = readonly [file: string, text: string, gone: string];

/** All defences that a test is there for. */
export function defencesOf({ defence, also }: Guard): readonly Defence[] {
  return also === undefined ? [defence] : [defence, also];
}

/** The pattern of the titles that a title in a file means: `%s` stands for anything. */
export function titlePattern(title: string): string {
  return title.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replace(/%[sijdop]/g, '.*');
}
