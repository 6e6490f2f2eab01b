declare const FINCH_VERSION: string | undefined;
declare const FINCH_COMMIT: string | undefined;

/** The version in `package.json` when the program was built; `0.0.0-dev` when it runs from its sources. */
export const version: string = typeof FINCH_VERSION === 'string' ? FINCH_VERSION : '0.0.0-dev';

/** The short git commit that was built, with `-dirty` behind it if files had changed; else `unknown`. */
export const commit: string = typeof FINCH_COMMIT === 'string' ? FINCH_COMMIT : 'unknown';
