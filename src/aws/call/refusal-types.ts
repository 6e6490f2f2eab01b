/** It was asked too often. */
export const THROTTLED: RegExp =
  /^(?:Throttl|RequestThrottled|TooManyRequests|RequestLimitExceeded|SlowDown)/;

/** The session that the keys belong to has ended. */
export const ENDED: RegExp = /^(?:ExpiredToken|TokenRefreshRequired)/;

/** The signature is not that of the request by the secret, or not of now: both have the same names. */
export const BAD_SIGNATURE: RegExp =
  /^(?:InvalidSignature|SignatureDoesNotMatch|RequestTimeTooSkewed|RequestExpired|RequestInTheFuture)/;

/** Nobody is found at a name, in the system's words; a proxy that looks it up does not say why it opened no way. */
export const NO_HOST: RegExp = /^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|ERR_PROXY_TUNNEL)$/;
