/**
 * The password of the tests. It stands in no output, log, error, argument, environment or left-over file
 * of a run, which a check after the whole suite searches for.
 */
export const CANARY = 'canary-Zk7/w+8qX=é-4242';
