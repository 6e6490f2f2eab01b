/**
 * What every secret access key of the stand-in for AWS begins with. Like the password of the tests, it stands
 * in no output, log, argument or left-over file of a run, which a check after the whole suite searches for.
 */
export const AWS_SECRET_CANARY = 'wJalrCanary/Secret+Zk7';

/** What every session token of the stand-in for AWS begins with; searched for in the same way. */
export const AWS_SESSION_CANARY = 'IQoJCanary/Session+Zk7==';

/** What the password of every token of the stand-in begins with: JSON, in base64. Searched for in the same way. */
export const AWS_PASSWORD_CANARY: string = btoa('{"payload":"EcrPassword/Canary');
